package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
)

// mistaken is told when a driver does not what we say of it.
func mistaken(container, files, want string) error {
	return fmt.Errorf("container %s sees the files %q, not %q: if the driver has been changed,"+
		" what docs/operations.md and package secretsstore say of it is out of date", container, files, want)
}

// kubeletRestarts: the kubelet ends while the driver mounts. The driver breaks off and
// unmounts; the folder stays, for nobody is there to remove it. The pods have a volume of
// another vault, too, which is mounted by then.
func kubeletRestarts(t *testing.T, s *system.System) {
	f := newFirstMount(t, s, "kubelet-restarts", "DB-Password")
	f.hang(t)
	other := f.Vault + "-b"
	check(t, f.CreateVault(other))
	_, err := s.Azure.Vault().SetSecret(other, "Token", "content", vaultDefaults)
	check(t, err)
	pods := []*firstMount{f, f.another("doomed")}
	for i, p := range pods {
		p.pod.Annotations[annotation.Objects+"."+other] = "Token"
		p.create(t)
		p.awaitWaiting(t, i+1)
		p.awaitStatus(t, classOf(p.pod, "akv-"+other))
	}
	check(t, s.Node.StopKubelet())
	for _, p := range pods {
		p.await(t, "the driver to unmount", func(context.Context) (bool, string) { return !p.mounted(t), "mounted" })
	}
	check(t, f.answer())
	check(t, s.Node.StartKubelet(t.Context()))
	for _, p := range pods {
		p.awaitReady(t)
		if s.Options.Legacy {
			p.checkFiles(t, "app", "DB-Password")
			p.checkMissing(t)
		} else {
			p.checkNothingMounted(t)
		}
	}
	if s.Options.Legacy {
		return
	}
	checkUntold(t, s, f.Namespace)
	f.age(t)
	f.checkMountedTooLate(t, "DB-Password")
	pods[1].checkReplaced(t, "DB-Password")
}

// vaultHangs: the vault does not answer, the kubelet gives up, and then it answers.
func vaultHangs(t *testing.T, s *system.System) {
	f := newHanging(t, s, "vault-hangs")
	// The driver has been asked for nearly two minutes before.
	f.await(t, "the kubelet to give up", func(context.Context) (bool, string) {
		events := strings.Join(s.Events(f.Namespace), "\n")
		return strings.Contains(events, "DeadlineExceeded"), events
	})
	check(t, f.answer())
	f.awaitReady(t)
	if s.Options.Legacy {
		f.checkFiles(t, "app", "DB-Password")
		f.checkMissing(t)
		return
	}
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
	if s.Options.Legacy {
		// Every try is one, and the pod waits.
		awaitFailures(t, f.Tenant, 3, refusal)
		set("small", names[:count/2]...)
		f.awaitReady(t)
		f.checkFiles(t, "app", strings.Join(names, " "))
		return
	}
	awaitFailures(t, f.Tenant, 1, refusal)
	f.awaitReady(t)
	f.checkNothingMounted(t)
	// When the interval is over the kubelet complains, though the pod runs.
	f.age(t)
	awaitFailures(t, f.Tenant, 2, refusal)
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
	f.checkMissing(t, f.class)
}

// checkMountedTooLate: after the interval the kubelet's next call mounts the volume. A
// running container sees that only by mountPropagation, others once they have ended.
func (f *firstMount) checkMountedTooLate(t *testing.T, files string) {
	t.Helper()
	f.awaitFiles(t, "live", files)
	f.awaitStatus(t, f.class)
	f.checkMissing(t)
	f.checkFiles(t, "app", "")
	f.awaitTimes(t, "app", false)
	f.endApp(t)
	f.awaitFiles(t, "app", files)
	f.awaitTimes(t, "app", true)
}

// checkReplaced: the pod is deleted, and the next one has a new volume. The interval is not
// over by then.
func (f *firstMount) checkReplaced(t *testing.T, files string) {
	t.Helper()
	check(t, f.API.Delete(t.Context(), f.pod))
	again := f.another("again")
	again.create(t)
	again.awaitReady(t)
	again.checkFiles(t, "app", files)
	again.checkMissing(t)
}

// driverCrashes: the driver ends while it mounts, and leaves an empty volume mounted.
func driverCrashes(t *testing.T, s *system.System) {
	f := newHanging(t, s, "driver-crashes")
	check(t, s.Driver.KillDriver())
	check(t, f.answer())
	check(t, s.Driver.StartDriver(t.Context()))
	f.awaitReady(t)
	awaitFailures(t, f.Tenant, 1, "code = Unavailable")
	f.checkFiles(t, "app", "")
	if !f.mounted(t) {
		t.Error("nothing is mounted, not even an empty volume")
	}
	f.checkMissing(t, f.class)
	if !s.Options.Legacy {
		// The volume is the one that the containers see, so that one call fixes all.
		f.age(t)
		f.awaitFiles(t, "app", "DB-Password")
		return
	}
	// The older driver's loop never comes to it, and a restart of the container is none of
	// the volume. Another pod, which it comes to, shows that it goes round.
	canary := newTenant(t, s, "driver-crashes-canary")
	_, err := canary.SetSecret("DB-Password", "old value")
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
	f.checkReplaced(t, "DB-Password")
}

// providerRefuses: the provider was killed and has left its socket, which refuses. The
// driver has just started, and has never called it. It waits, and the first mount is right:
// neither driver takes a refused connection for an answer.
func providerRefuses(t *testing.T, s *system.System) {
	f := newFirstMount(t, s, "provider-refuses", "DB-Password")
	_, err := f.SetSecret("DB-Password", "content")
	check(t, err)
	check(t, s.Driver.KillProvider())
	startProviderAfter(t, s)
	check(t, s.Driver.StopDriver())
	check(t, s.Driver.StartDriver(t.Context()))
	connection, err := net.Dial("unix", s.Driver.ProviderSocket())
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("the socket answers %v, %v", connection, err)
	}
	f.create(t)
	f.await(t, "the driver's mount at "+f.target, func(context.Context) (bool, string) { return f.mounted(t), "none" })
	check(t, s.Driver.StartProvider(t.Context()))
	f.awaitReady(t)
	f.checkFiles(t, "app", "DB-Password")
	f.checkMissing(t)
	checkUntold(t, s, f.Namespace)
}

// providerDies: the provider ends while it mounts. Both drivers call it again when it is
// back, twice in one call of the kubelet's. That it dies a third time is what they answer,
// with the code Unavailable, by which the kubelet does not know that the mount is over.
func providerDies(t *testing.T, s *system.System) {
	startProviderAfter(t, s)
	once := newHanging(t, s, "provider-dies-once")
	check(t, s.Driver.KillProvider())
	check(t, once.answer())
	check(t, s.Driver.StartProvider(t.Context()))
	once.awaitReady(t)
	once.checkFiles(t, "app", "DB-Password")
	once.checkMissing(t)
	checkUntold(t, s, once.Namespace)

	f := newHanging(t, s, "provider-dies")
	for range 2 {
		check(t, s.Driver.KillProvider())
		f.awaitWaiting(t, 0)
		check(t, s.Driver.StartProvider(t.Context()))
		f.awaitWaiting(t, 1)
	}
	check(t, s.Driver.KillProvider())
	awaitFailures(t, f.Tenant, 1, "code = Unavailable")
	check(t, f.answer())
	check(t, s.Driver.StartProvider(t.Context()))
	f.awaitReady(t)
	if s.Options.Legacy {
		f.checkFiles(t, "app", "DB-Password")
		f.checkMissing(t)
		return
	}
	f.checkNothingMounted(t)
	f.age(t)
	f.checkMountedTooLate(t, "DB-Password")
}

// startProviderAfter lets the tests that follow have a provider, whatever happens in this.
func startProviderAfter(t *testing.T, s *system.System) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return // it was started
		}
		// The test's own context is over. An error is that it runs.
		_ = s.Driver.StartProvider(context.Background())
	})
}
