package rotation_test

import (
	"context"
	"testing"

	"akv-injector/e2e/system"
)

// providerStopped: the provider is away, as in an upgrade of it. A driver that has called
// it before waits for it, up to the kubelet's deadline, and no event tells of that. A
// driver that has not answers at once. Either way the pods come up when it is back, and
// those that run keep what they have.
func providerStopped(t *testing.T, s *system.System) {
	f := newFirstMount(t, s, "provider-stopped", secret)
	check(t, newVersion("old value")(f.Tenant))
	running, err := f.Run(t.Context(), f.Pod("running", secret))
	check(t, err)

	check(t, s.Driver.StopProvider())
	f.create(t)
	f.await(t, "the driver's mount at "+f.target, func(context.Context) (bool, string) { return f.mounted(t), "none" })
	check(t, newVersion("new value")(f.Tenant))
	checkUntold(t, s, f.Namespace)
	content, err := f.Cat(t.Context(), running.Name, secretFile)
	check(t, err)
	if content != "old value" {
		t.Errorf("without a provider the running pod has %q", content)
	}
	check(t, s.Driver.StartProvider(t.Context()))
	f.awaitReady(t)
	check(t, f.AwaitContent(t.Context(), running.Name, secretFile, "new value"))

	check(t, s.Driver.StopProvider())
	check(t, s.Driver.KillDriver())
	check(t, s.Driver.StartDriver(t.Context()))
	check(t, s.API.Create(t.Context(), f.Pod("early", secret)))
	event, err := f.AwaitEvent(t.Context(), "pod/early FailedMount", `provider not found: provider "azure"`)
	check(t, err)
	t.Log(event)
	check(t, s.Driver.StartProvider(t.Context()))
	check(t, newVersion("newest value")(f.Tenant))
	for _, pod := range []string{"early", running.Name} {
		check(t, f.AwaitContent(t.Context(), pod, secretFile, "newest value"))
	}
	after, err := f.AwaitPod(t.Context(), running.Name)
	check(t, err)
	if !sameContainer(running, after) {
		t.Errorf("the running pod has another container: %+v", after.Status.ContainerStatuses)
	}
}
