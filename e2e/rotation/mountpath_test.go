package rotation_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/images"
	"akv-injector/e2e/system"
	"akv-injector/inject/finding"
)

// mountPaths is AKV017: what another volume's mount does at, below or above that of the
// secrets, which have a file and a folder.
func mountPaths(t *testing.T, s *system.System) {
	b := newByHand(t, s, "mount-paths")
	setSecret(t, b.Tenant, "DB-Password", "1")
	b.create(t, b.class("store", object("DB-Password"), object("DB-Password", "objectAlias: api/token")))
	paths := map[string]string{"below": "/mnt/store/new", "folder": "/mnt/store/api", "at": "/mnt/store/", "above": "/mnt"}
	for name, path := range paths {
		pod := b.withOther(name, path)
		b.create(t, pod)
		severity := finding.Error
		if name == "above" {
			severity = finding.Warning
		}
		b.refusedBy(t, "AKV017", severity, pod)
	}

	b.awaitStartError(t, "below", "/mnt/store/new: read-only file system")
	for _, name := range []string{"folder", "at", "above"} {
		_, err := b.AwaitPod(t.Context(), name)
		check(t, err)
	}
	const look = "cat /mnt/store/file /mnt/store/api/file /mnt/store/DB-Password /mnt/store/api/token 2>/dev/null; true"
	// At the same path, by another spelling of it, the container sees the other alone.
	b.stays(t, "at", look, "other")
	// In a folder of the secrets the other hides what they have there…
	b.stays(t, "folder", look, "other\n1")
	// …and above them they hide what it has there.
	b.stays(t, "above", look, "11")

	for _, value := range []string{"2", "3"} {
		b.rotate(t, value, "above", "/mnt/store/DB-Password", "/mnt/store/api/token")
		b.rotate(t, value, "folder", "/mnt/store/DB-Password")
	}
	b.stays(t, "at", look, "other")
	// The folder was replaced, and with it went what was mounted there.
	b.stays(t, "folder", look+"; grep -c ' /mnt/store' /proc/mounts", "331")
}

// withOther is a pod that mounts the class store at /mnt/store, and at the path a volume
// with a file called file at its top and in the folder store.
func (b byHand) withOther(name, path string) *corev1.Pod {
	pod := b.pod(name, "store")
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "other", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	pod.Spec.InitContainers = []corev1.Container{{
		Name: "init", Image: images.Shell, ImagePullPolicy: corev1.PullNever,
		Command:      []string{"sh", "-c", "mkdir -p /other/store && echo other | tee /other/file /other/store/file"},
		VolumeMounts: []corev1.VolumeMount{{Name: "other", MountPath: "/other"}},
	}}
	mount(pod, corev1.VolumeMount{Name: "other", MountPath: path})
	return pod
}

// awaitStartError waits for the runtime's word on a container that cannot be started.
func (b byHand) awaitStartError(t *testing.T, name, words string) {
	t.Helper()
	what := "the runtime's error about pod " + name
	check(t, b.Await(t.Context(), b.Namespace, what, func(ctx context.Context) (bool, string) {
		var pod corev1.Pod
		if err := b.API.Get(ctx, client.ObjectKey{Namespace: b.Namespace, Name: name}, &pod); err != nil {
			return false, err.Error()
		}
		seen := ""
		for _, c := range pod.Status.ContainerStatuses {
			for _, state := range []corev1.ContainerState{c.State, c.LastTerminationState} {
				if state.Waiting != nil {
					seen += state.Waiting.Message
				}
				if state.Terminated != nil {
					seen += state.Terminated.Message
				}
			}
		}
		return strings.Contains(seen, words), seen
	}))
}
