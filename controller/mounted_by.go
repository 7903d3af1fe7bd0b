package controller

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// MountedBy returns a func that names the pods that mount a class and have not finished,
// in order, from a cache with IndexClasses. Before the index is there it gives an error.
func MountedBy(cached client.Reader) func(ctx context.Context, namespace, class string) ([]string, error) {
	return func(ctx context.Context, namespace, class string) ([]string, error) {
		var pods corev1.PodList
		// Only names are taken from them.
		err := cached.List(ctx, &pods, client.InNamespace(namespace), client.MatchingFields{IndexClasses: class},
			client.UnsafeDisableDeepCopy)
		if err != nil {
			return nil, err
		}
		names := make([]string, 0, len(pods.Items))
		for i := range pods.Items {
			names = append(names, pods.Items[i].Name)
		}
		slices.Sort(names)
		return names, nil
	}
}
