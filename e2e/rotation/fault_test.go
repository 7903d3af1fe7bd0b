package rotation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"akv-injector/e2e/system"
)

// secret is the one that the tests of faults rotate, and secretFile its file.
const (
	secret     = "DB-Password"
	secretFile = system.Mounted + "/" + secret
)

// fault is something wrong in Azure. While it lasts a running pod keeps what it has, and a
// new one waits and says why. When it is mended both get the newest version by themselves:
// the provider keeps no token from one mount to the next, nor a refusal.
type fault struct {
	name          string
	breaks, mends func(*system.Tenant) error
	// changes makes the version that nobody may see before the end; without it that is a
	// plain new one.
	changes func(*system.Tenant) error
	// met counts the requests that failed because of it, tries how many of them make one
	// try of the provider, which repeats some by itself.
	met   func(*system.Tenant) int
	tries int
	// says is what people are told.
	says string
}

func (f *fault) run(t *testing.T, s *system.System) {
	t.Helper()
	tenant := newTenant(t, s, "fault-"+strings.ToLower(f.name))
	check(t, newVersion("old value")(tenant))
	running, err := tenant.Run(t.Context(), tenant.Pod("running", secret))
	check(t, err)
	check(t, tenant.AwaitContent(t.Context(), running.Name, secretFile, "old value"))

	check(t, f.breaks(tenant))
	mended := false
	t.Cleanup(func() {
		// Or the tests that follow would have the fault too.
		if !mended {
			_ = f.mends(tenant)
		}
	})
	// After a failed try none is under way that began before the fault.
	f.awaitMet(t, tenant)
	if f.changes == nil {
		f.changes = newVersion("new value")
	}
	check(t, f.changes(tenant))
	f.awaitMet(t, tenant)
	f.checkTold(t, tenant)

	check(t, s.API.Create(t.Context(), tenant.Pod("new", secret)))
	event, err := tenant.AwaitEvent(t.Context(), "pod/new FailedMount", f.says)
	check(t, err)
	t.Log(event)
	// The running pod has been asked for once more by now.
	content, err := tenant.Cat(t.Context(), running.Name, secretFile)
	check(t, err)
	if content != "old value" {
		t.Fatalf("during the fault the running pod has %q", content)
	}

	check(t, f.mends(tenant))
	mended = true
	since := time.Now()
	for _, name := range []string{running.Name, "new"} {
		check(t, tenant.AwaitContent(t.Context(), name, secretFile, "new value"))
		t.Logf("pod %s has the new version %.1f s after the end of the fault", name, time.Since(since).Seconds())
	}
	after, err := tenant.AwaitPod(t.Context(), running.Name)
	check(t, err)
	if !sameContainer(running, after) {
		t.Errorf("the running pod has another container: %+v", after.Status.ContainerStatuses)
	}
}

// awaitMet waits until the running pod's volume has met the fault again.
func (f *fault) awaitMet(t *testing.T, tenant *system.Tenant) {
	t.Helper()
	before := f.met(tenant)
	check(t, tenant.Await(t.Context(), tenant.Namespace, "a try that meets the fault", func(context.Context) (bool, string) {
		met := f.met(tenant) - before
		return met >= f.tries, fmt.Sprintf("%d failed requests of %d", met, f.tries)
	}))
}

// checkTold: the older driver tells of a rotation that fails in an event of the pod; the
// newer one tells the kubelet that all is well, and counts it.
func (f *fault) checkTold(t *testing.T, tenant *system.Tenant) {
	t.Helper()
	if tenant.Options.Legacy {
		_, err := tenant.AwaitEvent(t.Context(), "pod/running MountRotationFailed", f.says)
		check(t, err)
		return
	}
	for _, event := range tenant.Events(tenant.Namespace) {
		if strings.Contains(event, "Failed") {
			t.Errorf("an event tells of it, which is new: %s", event)
		}
	}
	metrics, err := tenant.Driver.DriverMetrics(t.Context())
	check(t, err)
	if !strings.Contains(metrics, `rotation_reconcile_error_total{error_type="GRPCProviderError"`) {
		t.Errorf("no metric tells of it: %s", metrics)
	}
}

func newVersion(value string) func(*system.Tenant) error {
	return func(t *system.Tenant) error {
		_, err := t.SetSecret(secret, value)
		return err
	}
}

func nothing(*system.Tenant) error { return nil }
