package rotation_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/azure"
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
// operators ("A pod that starts without its files"). When a driver is mended they fail.

// TestFirstMount160 has an interval that is longer than the kubelet's deadline for a mount,
// 2 minutes, which no flag changes.
func TestFirstMount160(t *testing.T) { firstMounts(t, system.Options{PollInterval: 3 * time.Minute}) }

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
	t.Run("KubeletRestarts", func(t *testing.T) { kubeletRestarts(t, s) })
	t.Run("DriverCrashes", func(t *testing.T) { driverCrashes(t, s) })
	t.Run("TooLarge", func(t *testing.T) {
		t.Parallel()
		tooLarge(t, s)
	})
	if s.Options.Legacy || testing.Short() {
		return // the next takes the kubelet's 2 minutes, and shows the older driver's nothing new
	}
	t.Run("VaultHangs", func(t *testing.T) {
		t.Parallel()
		vaultHangs(t, s)
	})
}

// firstMount is a pod whose first mount goes wrong. Its container "app" mounts the volume
// as akv-injector writes it, and ends when there is a file /end. Its container "live" has
// a mountPropagation as well.
type firstMount struct {
	*system.Tenant
	pod *corev1.Pod
	// target is the volume on the node.
	target string
}

func newFirstMount(t *testing.T, s *system.System, name, objects string) *firstMount {
	t.Helper()
	f := &firstMount{Tenant: newTenant(t, s, name)}
	f.pod = f.Pod("pod", objects)
	f.pod.Spec.Containers[0].Command = []string{"sh", "-c", "until [ -e /end ]; do sleep 0.1; done"}
	live := system.Sleeper("live")
	propagation := corev1.MountPropagationHostToContainer
	live.VolumeMounts = []corev1.VolumeMount{{
		Name: "akv-" + f.Vault, MountPath: system.Mounted, ReadOnly: true, MountPropagation: &propagation,
	}}
	f.pod.Spec.Containers = append(f.pod.Spec.Containers, live)
	return f
}

// newHanging makes one whose vault does not answer, and waits until the driver waits for it.
func newHanging(t *testing.T, s *system.System, name string) *firstMount {
	t.Helper()
	f := newFirstMount(t, s, name, "DB-Password")
	_, err := f.SetSecret("DB-Password", "content")
	check(t, err)
	check(t, s.Azure.SetVaultFault(f.Vault, &azure.Fault{Hang: true}))
	f.create(t)
	f.await(t, "the driver's mount at "+f.target, func(context.Context) (bool, string) { return f.mounted(t), "none" })
	return f
}

func (f *firstMount) create(t *testing.T) {
	t.Helper()
	check(t, f.API.Create(t.Context(), f.pod))
	f.target = filepath.Join(f.Node.KubeletRoot, "pods", string(f.pod.UID), "volumes", "kubernetes.io~csi", "akv-"+f.Vault, "mount")
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

// mounted says whether anything is mounted at the volume's folder.
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

// hasStatus says whether the driver has written down what it mounted.
func (f *firstMount) hasStatus(ctx context.Context) (bool, error) {
	var list secretsstorev1.SecretProviderClassPodStatusList
	err := f.API.List(ctx, &list, client.InNamespace(f.Namespace))
	return len(list.Items) > 0, err
}

func (f *firstMount) checkNoStatus(t *testing.T) {
	t.Helper()
	has, err := f.hasStatus(t.Context())
	check(t, err)
	if has {
		t.Error("there is a SecretProviderClassPodStatus, so its absence is no sign")
	}
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
