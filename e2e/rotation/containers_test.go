package rotation_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/e2e/images"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
)

// everyContainer: an init container finds the files when it runs, a native sidecar that
// started before it and the container itself get what is rotated.
func everyContainer(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "every-container")
	setSecret(t, tenant, "DB-Password", "old value")

	pod := tenant.Pod("reader", "DB-Password")
	sidecar := system.Sleeper("sidecar")
	sidecar.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	pod.Spec.InitContainers = []corev1.Container{sidecar, {
		Name: "init", Image: images.Shell, ImagePullPolicy: corev1.PullNever,
		// It ends with an error, again and again, where the file is not there.
		Command:      []string{"cp", system.Mounted + "/DB-Password", "/seen/by-init"},
		VolumeMounts: []corev1.VolumeMount{{Name: "seen", MountPath: "/seen"}},
	}}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "seen", MountPath: "/seen"}}
	pod.Spec.Volumes = []corev1.Volume{{Name: "seen", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	runPod(t, tenant, pod)

	for _, value := range []string{"old value", "new value"} {
		setSecret(t, tenant, "DB-Password", value)
		for _, container := range []string{"sidecar", "app"} {
			awaitFiles(t, tenant, pod.Name, container, map[string]string{"DB-Password": value})
		}
	}
	if got := shell(t, tenant, pod.Name, "app", "cat /seen/by-init"); got != "old value" {
		t.Errorf("the init container saw %q", got)
	}
	after, err := tenant.AwaitPod(t.Context(), pod.Name)
	check(t, err)
	for _, c := range slices.Concat(after.Status.InitContainerStatuses, after.Status.ContainerStatuses) {
		if c.RestartCount != 0 {
			t.Errorf("container %s has restarted %d times", c.Name, c.RestartCount)
		}
	}
}

// chosenContainers: those that the annotation leaves out have no mount and no file.
func chosenContainers(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "chosen-containers")
	setSecret(t, tenant, "DB-Password", "old value")

	pod := tenant.Pod("reader", "DB-Password")
	pod.Annotations[annotation.Containers] = "app, sidecar"
	pod.Annotations[annotation.Env] = "DB_PASSWORD_FILE=DB-Password"
	sidecar, other := system.Sleeper("sidecar"), system.Sleeper("other-sidecar")
	sidecar.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	other.RestartPolicy = sidecar.RestartPolicy
	pod.Spec.InitContainers = []corev1.Container{sidecar, other}
	pod.Spec.Containers = append(pod.Spec.Containers, system.Sleeper("other"))
	runPod(t, tenant, pod)

	for _, value := range []string{"old value", "new value"} {
		setSecret(t, tenant, "DB-Password", value)
		for _, container := range []string{"app", "sidecar"} {
			awaitFiles(t, tenant, pod.Name, container, map[string]string{"DB-Password": value})
		}
	}
	for _, container := range []string{"other", "other-sidecar"} {
		got := shell(t, tenant, pod.Name, container, "ls -d /mnt 2>&1; env; cat /proc/mounts")
		if !strings.Contains(got, "/mnt: No such file") || strings.Contains(got, "DB-Password") || strings.Contains(got, "secrets-store") {
			t.Errorf("container %s was not chosen, and has:\n%s", container, got)
		}
	}
}
