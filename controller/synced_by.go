package controller

import (
	"context"
	"errors"

	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
)

// SyncedBy returns a func that names, for Secrets of a namespace, the classes that sync them. Before ready
// reports that the cache has classes it gives an error: to ask it earlier would be a call to the API server.
func SyncedBy(cached client.Reader, ready func() bool) func(ctx context.Context, namespace string, secrets []string) (map[string][]string, error) {
	return func(ctx context.Context, namespace string, secrets []string) (map[string][]string, error) {
		if !ready() {
			return nil, errors.New("the classes are not known yet")
		}
		var list secretsstorev1.SecretProviderClassList
		if err := cached.List(ctx, &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
			return nil, err
		}
		classes := make([]*secretsstorev1.SecretProviderClass, len(list.Items))
		for i := range list.Items {
			classes[i] = &list.Items[i]
		}
		return facts.SyncedSecrets(classes, secrets), nil
	}
}
