package rotation_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/system"
)

// A first mount that fails is tried again after half a second. With driver 1.6.0 the second
// try is answered with success, and nothing is mounted, when the kubelet could not know
// that the first was over: it then leaves the volume's folder, and the driver takes a
// folder that is younger than its --rotation-poll-interval for a volume that it has just
// written (see package secretsstore). The pod becomes Ready without its files.
//
// These tests show it with a real kubelet, and what ends it; docs/operations.md says it to
// operators ("A pod that starts without its files"). When a driver is fixed they fail.

// TestFirstMount160 has an interval that is longer than the kubelet's deadline for a mount,
// 2 minutes, which no flag changes, and than any of these tests: it passes only where one
// says so.
func TestFirstMount160(t *testing.T) { firstMounts(t, system.Options{PollInterval: 10 * time.Minute}) }

func TestFirstMount148(t *testing.T) { firstMounts(t, system.Options{Legacy: true}) }

func firstMounts(t *testing.T, options system.Options) {
	sandbox.Require(t)
	options.Log = t.Output()
	s, err := system.Start(t.Context(), options)
	check(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	// As systemd has it on a node, and as mountPropagation needs it.
	output, err := exec.CommandContext(t.Context(), "mount", "--make-rshared", os.TempDir()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	// These end what all use.
	t.Run("KubeletRestarts", func(t *testing.T) { kubeletRestarts(t, s) })
	t.Run("DriverCrashes", func(t *testing.T) { driverCrashes(t, s) })
	t.Run("ProviderRefuses", func(t *testing.T) { providerRefuses(t, s) })
	t.Run("ProviderDies", func(t *testing.T) { providerDies(t, s) })
	t.Run("TooLarge", func(t *testing.T) {
		t.Parallel()
		tooLarge(t, s)
	})
	t.Run("VaultHangs", func(t *testing.T) {
		if testing.Short() {
			t.Skip("it takes the kubelet's deadline for a mount, 2 minutes, which no flag changes")
		}
		t.Parallel()
		vaultHangs(t, s)
	})
}

// firstMount is a pod whose first mount goes wrong. Its container "app" mounts the volume
// as akv-injector writes it, and ends when there is a file /end. Its container "live" has
// a mountPropagation as well.
type firstMount struct {
	*system.Tenant
	objects string
	pod     *corev1.Pod
	// target is the volume on the node, and class what it is of.
	target, class string
}

func newFirstMount(t *testing.T, s *system.System, name, objects string) *firstMount {
	t.Helper()
	f := &firstMount{Tenant: newTenant(t, s, name), objects: objects}
	return f.another("pod")
}

// another is one more pod of the same.
func (f *firstMount) another(name string) *firstMount {
	pod := f.Pod(name, f.objects)
	pod.Spec.Containers[0].Command = []string{"sh", "-c", "until [ -e /end ]; do sleep 1; done"}
	live := system.Sleeper("live")
	propagation := corev1.MountPropagationHostToContainer
	live.VolumeMounts = []corev1.VolumeMount{{
		Name: f.volume(), MountPath: system.Mounted, ReadOnly: true, MountPropagation: &propagation,
	}}
	pod.Spec.Containers = append(pod.Spec.Containers, live)
	return &firstMount{Tenant: f.Tenant, objects: f.objects, pod: pod}
}

func (f *firstMount) volume() string { return "akv-" + f.Vault }

// newHanging makes one whose vault does not answer, and waits until the provider waits for
// it, and the driver for the provider.
func newHanging(t *testing.T, s *system.System, name string) *firstMount {
	t.Helper()
	f := newFirstMount(t, s, name, "DB-Password")
	f.hang(t)
	f.create(t)
	f.awaitWaiting(t, 1)
	return f
}

// hang makes a vault that does not answer, with a secret in it.
func (f *firstMount) hang(t *testing.T) {
	t.Helper()
	_, err := f.SetSecret("DB-Password", "content")
	check(t, err)
	check(t, f.Azure.SetVaultFault(f.Vault, &faults.Fault{Hang: true}))
	t.Cleanup(func() { check(t, f.answer()) }) // whatever else happens
}

// answer lets the vault answer again.
func (f *firstMount) answer() error { return f.Azure.SetVaultFault(f.Vault, nil) }

// awaitWaiting waits until a number of requests wait for the vault.
func (f *firstMount) awaitWaiting(t *testing.T, count int) {
	t.Helper()
	f.await(t, fmt.Sprintf("%d requests that the vault does not answer", count), func(context.Context) (bool, string) {
		waiting := f.Azure.Vault().Waiting(f.Vault)
		return waiting == count, fmt.Sprint(waiting)
	})
}

func (f *firstMount) create(t *testing.T) {
	t.Helper()
	check(t, f.API.Create(t.Context(), f.pod))
	f.target = filepath.Join(f.Node.KubeletRoot, "pods", string(f.pod.UID), "volumes", "kubernetes.io~csi", f.volume(), "mount")
	f.class = classOf(f.pod, f.volume())
}

// classOf is the class that a pod's volume is of.
func classOf(pod *corev1.Pod, volume string) string {
	for _, v := range pod.Spec.Volumes {
		if v.Name == volume && v.CSI != nil {
			return v.CSI.VolumeAttributes["secretProviderClass"]
		}
	}
	return ""
}

func (f *firstMount) await(t *testing.T, what string, condition func(context.Context) (bool, string)) {
	t.Helper()
	check(t, f.Await(t.Context(), f.Namespace, what, condition))
}

func (f *firstMount) awaitReady(t *testing.T) {
	t.Helper()
	_, err := f.AwaitPod(t.Context(), f.pod.Name)
	check(t, err)
}

// mounted reports whether anything is mounted at the volume's folder.
func (f *firstMount) mounted(t *testing.T) bool {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	check(t, err)
	return strings.Contains(string(mounts), " "+f.target+" ")
}

// files are the names that a container sees, in one line.
func (f *firstMount) files(ctx context.Context, container string) (string, error) {
	list, err := f.Exec(ctx, f.Namespace, f.pod.Name, container, "ls", system.Mounted)
	return strings.Join(strings.Fields(list), " "), err
}

func (f *firstMount) checkFiles(t *testing.T, container, want string) {
	t.Helper()
	files, err := f.files(t.Context(), container)
	check(t, err)
	if files != want {
		t.Fatal(f.Explain(f.Namespace, mistaken(container, files, want)))
	}
}

func (f *firstMount) awaitFiles(t *testing.T, container, want string) {
	t.Helper()
	f.await(t, want+" in "+container, func(ctx context.Context) (bool, string) {
		files, err := f.files(ctx, container)
		if err != nil {
			return false, err.Error()
		}
		return files == want, "files: " + files
	})
}

// awaitStatus waits until the driver has written down that it mounted a class.
func (f *firstMount) awaitStatus(t *testing.T, class string) {
	t.Helper()
	f.await(t, "a SecretProviderClassPodStatus of "+class, func(ctx context.Context) (bool, string) {
		var list secretsstorev1.SecretProviderClassPodStatusList
		err := f.API.List(ctx, &list, client.InNamespace(f.Namespace))
		return slices.ContainsFunc(list.Items, func(s secretsstorev1.SecretProviderClassPodStatus) bool {
			return s.Status.PodName == f.pod.Name && s.Status.SecretProviderClassName == class
		}), fmt.Sprintf("%d others, %v", len(list.Items), err)
	})
}

// age makes the volume as old as if the driver's interval were over.
func (f *firstMount) age(t *testing.T) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	check(t, os.Chtimes(f.target, old, old))
}

// endApp ends the container "app", which the kubelet starts again.
func (f *firstMount) endApp(t *testing.T) {
	t.Helper()
	_, err := f.Exec(t.Context(), f.Namespace, f.pod.Name, "app", "touch", "/end")
	check(t, err)
}
