package attacks_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"akv-injector/e2e/cluster"
)

// A replica without the class CRD is not ready, and says so: it could not answer pods that ask.
func TestReadinessShowsAMissingCRD(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	replica := c.Injector.Replicas()[0]
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	crd.SetName("secretproviderclasses.secrets-store.csi.x-k8s.io")
	if err := c.API.Delete(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	soon.Require(t, "the replica to be unready", func(ctx context.Context) (bool, string) {
		ready, answer := replica.Ready(ctx)
		return !ready && strings.Contains(answer, "does not serve SecretProviderClasses"), fmt.Sprintf("ready %t: %s", ready, answer)
	})
	if err := c.Injector.InstallCRDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	soon.Require(t, "the replica to be ready again", func(ctx context.Context) (bool, string) { return replica.Ready(ctx) })
	c.Namespace(t, "honest", nil)
	soon.Require(t, "a pod to be injected", func(ctx context.Context) (bool, string) {
		err := c.API.Create(ctx, cluster.Pod("honest", "pod", "DB-Password"))
		return err == nil, fmt.Sprint(err)
	})
}
