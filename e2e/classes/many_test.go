package classes_test

import (
	"context"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/cluster"
)

// inParallel runs a function count times, a few at once, as a busy cluster would.
func inParallel(t *testing.T, count int, run func(ctx context.Context, i int) error) {
	t.Helper()
	const workers = 8
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				if err := run(t.Context(), i); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func listClasses(t *testing.T, c *cluster.Cluster, namespace string) []secretsstorev1.SecretProviderClass {
	t.Helper()
	list := &secretsstorev1.SecretProviderClassList{}
	if err := c.API.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func listFrom(resourceVersion string) *metav1.ListOptions {
	return &metav1.ListOptions{ResourceVersion: resourceVersion}
}
