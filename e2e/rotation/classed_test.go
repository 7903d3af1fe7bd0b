package rotation_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/system"
)

// classed is a running pod with the class that akv-injector made for it.
type classed struct {
	*system.Tenant
	pod   *corev1.Pod
	class secretsstorev1.SecretProviderClass
}

var vaultDefaults vault.Attributes

func newClassed(t *testing.T, s *system.System, name string) *classed {
	t.Helper()
	c := &classed{Tenant: newTenant(t, s, name)}
	check(t, newVersion("old value")(c.Tenant))
	var err error
	c.pod, err = c.Run(t.Context(), c.Pod("pod", secret))
	check(t, err)
	check(t, c.AwaitContent(t.Context(), c.pod.Name, secretFile, "old value"))
	var list secretsstorev1.SecretProviderClassList
	check(t, s.API.List(t.Context(), &list, client.InNamespace(c.Namespace)))
	if len(list.Items) != 1 {
		t.Fatalf("the pod has %d classes", len(list.Items))
	}
	c.class = list.Items[0]
	return c
}

func (c *classed) delete(t *testing.T) {
	t.Helper()
	check(t, c.API.Delete(t.Context(), c.class.DeepCopy()))
}

// edit lets the class name another vault.
func (c *classed) edit(t *testing.T, vaultName string) {
	t.Helper()
	patch := fmt.Sprintf(`{"spec":{"parameters":{"keyvaultName":%q}}}`, vaultName)
	check(t, c.API.Patch(t.Context(), c.class.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch))))
}

// awaitRestored waits until the class is as it was, and another object or version of it.
func (c *classed) awaitRestored(t *testing.T) {
	t.Helper()
	begun := time.Now()
	check(t, c.Await(t.Context(), c.Namespace, "the class to be restored", func(ctx context.Context) (bool, string) {
		var now secretsstorev1.SecretProviderClass
		if err := c.API.Get(ctx, client.ObjectKeyFromObject(&c.class), &now); err != nil {
			return false, err.Error()
		}
		if now.ResourceVersion == c.class.ResourceVersion || !maps.Equal(now.Spec.Parameters, c.class.Spec.Parameters) {
			return false, fmt.Sprintf("%s, with %v", now.ResourceVersion, now.Spec.Parameters)
		}
		c.class = now
		return true, ""
	}))
	t.Logf("the class is restored after %.1f s", time.Since(begun).Seconds())
}

// rotate sets a new version, and waits until it is in the same container.
func (c *classed) rotate(t *testing.T, value string) {
	t.Helper()
	check(t, newVersion(value)(c.Tenant))
	check(t, c.AwaitContent(t.Context(), c.pod.Name, secretFile, value))
	c.checkContainer(t)
}

func (c *classed) checkContent(t *testing.T, want string) {
	t.Helper()
	content, err := c.Cat(t.Context(), c.pod.Name, secretFile)
	check(t, err)
	if content != want {
		t.Errorf("the pod has %q, not %q", content, want)
	}
	c.checkContainer(t)
}

func (c *classed) checkContainer(t *testing.T) {
	t.Helper()
	now, err := c.AwaitPod(t.Context(), c.pod.Name)
	check(t, err)
	if !sameContainer(c.pod, now) {
		t.Errorf("another container: %+v", now.Status.ContainerStatuses)
	}
}

// missed is what the driver counts when a class is not there: 1.6.0 in a call of the
// kubelet, 1.4.8 in its loop.
func (c *classed) missed(ctx context.Context) (float64, error) {
	counter := "node_publish_error_total"
	if c.Options.Legacy {
		counter = "rotation_reconcile_error_total"
	}
	return errorCount(ctx, c.System, counter, "SecretProviderClassNotFound")
}

// awaitMissed waits until the driver has looked for the class without success once more.
func (c *classed) awaitMissed(t *testing.T) {
	t.Helper()
	before, err := c.missed(t.Context())
	check(t, err)
	check(t, c.Await(t.Context(), c.Namespace, "the driver to miss the class", func(ctx context.Context) (bool, string) {
		now, err := c.missed(ctx)
		return now > before, fmt.Sprint(now, err)
	}))
	if c.Options.Legacy {
		return
	}
	_, err = c.AwaitEvent(t.Context(), "pod/pod FailedMount", "failed to get secretproviderclass", "not found")
	check(t, err)
}

func (c *classed) stopInjector(t *testing.T) {
	t.Helper()
	for _, r := range c.Injector.Replicas() {
		check(t, c.Injector.StopReplica(r))
	}
}

func (c *classed) startInjector(t *testing.T) {
	t.Helper()
	for _, r := range c.Injector.Replicas() {
		check(t, c.Injector.StartReplica(t.Context(), r))
	}
	check(t, c.Injector.AwaitReady(t.Context()))
}
