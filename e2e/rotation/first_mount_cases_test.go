package rotation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"akv-injector/e2e/system"
)

// mistaken is told when a driver does not what we say of it.
func mistaken(container, files, want string) error {
	return fmt.Errorf("container %s sees the files %q, not %q: if the driver has been changed,"+
		" what docs/operations.md and package secretsstore say of it is out of date", container, files, want)
}

// kubeletRestarts: the kubelet ends while the driver mounts. The driver breaks off and
// unmounts; the folder stays, for nobody is there to remove it.
func kubeletRestarts(t *testing.T, s *system.System) {
	f := newHanging(t, s, "kubelet-restarts")
	check(t, s.Node.StopKubelet())
	f.await(t, "the driver to unmount", func(context.Context) (bool, string) { return !f.mounted(t), "mounted" })
	check(t, s.Azure.SetVaultFault(f.Vault, nil))
	check(t, s.Node.StartKubelet(t.Context()))
	f.awaitReady(t)
	if s.Options.Legacy {
		f.checkFiles(t, "app", "DB-Password")
		return
	}
	for _, event := range s.Events(f.Namespace) {
		if strings.Contains(event, "FailedMount") {
			t.Errorf("an event tells of it: %s", event)
		}
	}
	f.checkNothingMounted(t)
	f.age(t)
	f.checkMountedTooLate(t, "DB-Password")
}

// vaultHangs: the vault does not answer, the kubelet gives up, and then it answers.
func vaultHangs(t *testing.T, s *system.System) {
	f := newHanging(t, s, "vault-hangs")
	// The driver has been asked for nearly two minutes before.
	check(t, s.AwaitFor(t.Context(), 2*system.Patience, f.Namespace, "the kubelet to give up", func(context.Context) (bool, string) {
		events := strings.Join(s.Events(f.Namespace), "\n") //nolint:contextcheck // It has a deadline of its own.
		return strings.Contains(events, "DeadlineExceeded"), events
	}))
	check(t, s.Azure.SetVaultFault(f.Vault, nil))
	f.awaitReady(t)
	f.checkNothingMounted(t)
	f.age(t)
	f.checkMountedTooLate(t, "DB-Password")
}

// tooLarge: the provider's answer is larger than the driver takes, 4 MiB.
func tooLarge(t *testing.T, s *system.System) {
	const count = 170
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("large-%03d", i)
	}
	f := newFirstMount(t, s, "too-large", strings.Join(names, ","))
	set := func(value string, names ...string) {
		for _, name := range names {
			_, err := f.SetSecret(name, value)
			check(t, err)
		}
	}
	set(strings.Repeat("x", 25_000), names...)
	f.create(t)
	const refusal = "ResourceExhausted desc = grpc: received message larger than max"
	_, err := f.AwaitEvent(t.Context(), "FailedMount", refusal)
	check(t, err)
	if s.Options.Legacy {
		// Every try is one, and the pod waits.
		_, err := f.AwaitEvent(t.Context(), "FailedMount (3)", refusal)
		check(t, err)
		set("small", names[:count/2]...)
		f.awaitReady(t)
		f.checkFiles(t, "app", strings.Join(names, " "))
		return
	}
	f.awaitReady(t)
	f.checkNothingMounted(t)
	// When the interval is over the kubelet complains, though the pod runs.
	f.age(t)
	_, err = f.AwaitEvent(t.Context(), "FailedMount (2)", refusal)
	check(t, err)
	set("small", names[:count/2]...)
	f.checkMountedTooLate(t, strings.Join(names, " "))
}

// checkNothingMounted: the pod is Ready, its containers see an empty folder of the node's,
// and the driver knows nothing of it.
func (f *firstMount) checkNothingMounted(t *testing.T) {
	t.Helper()
	f.checkFiles(t, "app", "")
	f.checkFiles(t, "live", "")
	if f.mounted(t) {
		t.Error("something is mounted")
	}
	f.checkNoStatus(t)
}

// checkMountedTooLate: after the interval the kubelet's next call mounts the volume. A
// running container sees that only by mountPropagation, others once they have ended.
func (f *firstMount) checkMountedTooLate(t *testing.T, files string) {
	t.Helper()
	f.awaitFiles(t, "live", files)
	f.await(t, "a SecretProviderClassPodStatus", func(ctx context.Context) (bool, string) {
		has, err := f.hasStatus(ctx)
		return has, fmt.Sprint(err)
	})
	f.checkFiles(t, "app", "")
	f.endApp(t)
	f.awaitFiles(t, "app", files)
}

// driverCrashes: the driver ends while it mounts, and leaves an empty volume mounted.
func driverCrashes(t *testing.T, s *system.System) {
	f := newHanging(t, s, "driver-crashes")
	check(t, s.Driver.KillDriver())
	check(t, s.Azure.SetVaultFault(f.Vault, nil))
	check(t, s.Driver.StartDriver(t.Context()))
	f.awaitReady(t)
	_, err := f.AwaitEvent(t.Context(), "FailedMount", "code = Unavailable")
	check(t, err)
	f.checkFiles(t, "app", "")
	if !f.mounted(t) {
		t.Error("nothing is mounted, not even an empty volume")
	}
	f.checkNoStatus(t)
	if !s.Options.Legacy {
		// The volume is the one that the containers see, so that one call mends all.
		f.age(t)
		f.awaitFiles(t, "app", "DB-Password")
		return
	}
	// The older driver's loop never comes to it, and a restart of the container is none of
	// the volume. Another pod, which it comes to, shows that it goes round.
	canary := newTenant(t, s, "driver-crashes-canary")
	_, err = canary.SetSecret("DB-Password", "old value")
	check(t, err)
	pod, err := canary.Run(t.Context(), canary.Pod("canary", "DB-Password"))
	check(t, err)
	_, err = canary.SetSecret("DB-Password", "new value")
	check(t, err)
	check(t, canary.AwaitContent(t.Context(), pod.Name, system.Mounted+"/DB-Password", "new value"))
	f.endApp(t)
	f.await(t, "the container's restart", func(ctx context.Context) (bool, string) {
		_, err := f.Exec(ctx, f.Namespace, f.pod.Name, "app", "test", "!", "-e", "/end")
		return err == nil, fmt.Sprint(err)
	})
	f.checkFiles(t, "app", "")
	// A new pod has a new volume.
	check(t, s.API.Delete(t.Context(), f.pod))
	again := f.Pod("again", "DB-Password")
	_, err = f.Run(t.Context(), again)
	check(t, err)
	check(t, f.AwaitContent(t.Context(), again.Name, system.Mounted+"/DB-Password", "content"))
}
