package rotation_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
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
// new one waits and says why. When it is fixed both get the newest version by themselves:
// the provider keeps no token from one mount to the next, nor a refusal.
type fault struct {
	name          string
	breaks, fixes func(*system.Tenant) error
	// changes makes the version that nobody may see before the end; without it that is a
	// plain new one.
	changes func(*system.Tenant) error
	// met begins to count the requests that fail because of it, tries how many of them
	// make one try of the provider, which repeats some by itself.
	met   func(*system.Tenant) (count func() int)
	tries int
	// says is what people are told.
	says string
	// alone says that nothing else fails meanwhile, so that the driver's counter, which is
	// one for all pods, counts for this fault.
	alone bool
}

func (f *fault) run(t *testing.T, s *system.System) {
	t.Helper()
	tenant := newTenant(t, s, "fault-"+strings.ToLower(f.name))
	check(t, newVersion("old value")(tenant))
	running, err := tenant.Run(t.Context(), tenant.Pod("running", secret))
	check(t, err)
	check(t, tenant.AwaitContent(t.Context(), running.Name, secretFile, "old value"))

	counted, err := errorCount(t.Context(), s, "rotation_reconcile_error_total", "GRPCProviderError")
	check(t, err)
	check(t, f.breaks(tenant))
	fixed := false
	t.Cleanup(func() {
		// Or the tests that follow would have the fault too.
		if !fixed {
			_ = f.fixes(tenant)
		}
	})
	// After a failed try none is under way that began before the fault.
	f.awaitMet(t, tenant)
	if f.changes == nil {
		f.changes = newVersion("new value")
	}
	check(t, f.changes(tenant))
	f.awaitMet(t, tenant)
	f.checkTold(t, tenant, running.Name, counted)

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

	check(t, f.fixes(tenant))
	fixed = true
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
	count := f.met(tenant)
	check(t, tenant.Await(t.Context(), tenant.Namespace, "a try that meets the fault", func(context.Context) (bool, string) {
		met := count()
		return met >= f.tries, fmt.Sprintf("%d failed requests of %d", met, f.tries)
	}))
}

// checkTold: the older driver tells of a rotation that fails in an event of the pod; the
// newer one tells the kubelet that all is well, logs it, and counts it.
func (f *fault) checkTold(t *testing.T, tenant *system.Tenant, pod string, counted float64) {
	t.Helper()
	if tenant.Options.Legacy {
		_, err := tenant.AwaitEvent(t.Context(), "pod/"+pod+" MountRotationFailed", f.says)
		check(t, err)
		return
	}
	name := fmt.Sprintf("pod=%q", tenant.Namespace+"/"+pod)
	check(t, tenant.Await(t.Context(), tenant.Namespace, "the driver's word on "+name, func(context.Context) (bool, string) {
		return slices.ContainsFunc(logEntries(tenant.Driver.DriverLog()), func(entry string) bool {
			return strings.Contains(entry, "failed to mount secrets store object content") &&
				strings.Contains(entry, name) && strings.Contains(entry, "isRemountRequest=true") && strings.Contains(entry, f.says)
		}), "none"
	}))
	if f.alone {
		check(t, tenant.Await(t.Context(), tenant.Namespace, "the driver to count it", func(ctx context.Context) (bool, string) {
			now, err := errorCount(ctx, tenant.System, "rotation_reconcile_error_total", "GRPCProviderError")
			return now > counted, fmt.Sprintf("%v after %v, %v", now, counted, err)
		}))
	}
	checkUntold(t, tenant.System, tenant.Namespace)
}

// logHeader begins an entry of klog's, which may have several lines.
var logHeader = regexp.MustCompile(`(?m)^[IWEF]\d{4} `)

func logEntries(log string) []string { return logHeader.Split(log, -1) }

func newVersion(value string) func(*system.Tenant) error {
	return func(t *system.Tenant) error {
		_, err := t.SetSecret(secret, value)
		return err
	}
}

func nothing(*system.Tenant) error { return nil }
