package system

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Clear ends the pods of a namespace and waits until the node has forgotten them, so that
// what follows has the node for itself: every pod that is left is one more to rotate.
func (s *System) Clear(ctx context.Context, namespace string) error {
	var pods corev1.PodList
	if err := s.API.List(ctx, &pods, client.InNamespace(namespace)); err != nil {
		return err
	}
	for _, kind := range []client.Object{&appsv1.Deployment{}, &corev1.Pod{}} {
		// Fifty pods at once may take a busy API server longer than it gives a request.
		err := s.Await(ctx, namespace, "the deletion of all pods", func(ctx context.Context) (bool, string) {
			err := s.API.DeleteAllOf(ctx, kind, client.InNamespace(namespace), client.GracePeriodSeconds(0))
			return err == nil, fmt.Sprint(err)
		})
		if err != nil {
			return err
		}
	}
	return s.Await(ctx, namespace, "the pods' end", func(ctx context.Context) (bool, string) {
		var left corev1.PodList
		if err := s.API.List(ctx, &left, client.InNamespace(namespace)); err != nil {
			return false, err.Error()
		}
		held := 0
		for _, pod := range pods.Items {
			// The kubelet removes a pod's folder when its containers and volumes are gone.
			if _, err := os.Lstat(filepath.Join(s.Node.KubeletRoot, "pods", string(pod.UID))); !errors.Is(err, fs.ErrNotExist) {
				held++
			}
		}
		return len(left.Items) == 0 && held == 0, fmt.Sprintf("%d pods, %d folders of pods", len(left.Items), held)
	})
}
