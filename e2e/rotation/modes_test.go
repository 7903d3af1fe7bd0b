package rotation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/e2e/system"
	"akv-injector/inject/finding"
)

// fileModes: files are root's and everybody's to read, unless filePermission says
// otherwise, and fsGroup changes nothing. Nobody can write, root neither, though the mount
// is not readOnly (AKV003): the volume is, and the kubelet sees to it.
func fileModes(t *testing.T, s *system.System) {
	b := newByHand(t, s, "file-modes")
	setSecret(t, b.Tenant, "DB-Password", "1")
	b.create(t, b.class("store", object("DB-Password"), object("DB-Password", "objectAlias: group", `filePermission: "0440"`)))
	pod := b.pod("reader", "store")
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: new(int64(4242))}
	pod.Spec.Containers[0].VolumeMounts[0].ReadOnly = false
	user := pod.Spec.Containers[0].DeepCopy()
	// In a group of its own, for who has none is in root's.
	user.Name, user.SecurityContext = "user", &corev1.SecurityContext{RunAsUser: new(int64(1000)), RunAsGroup: new(int64(1000))}
	pod.Spec.Containers = append(pod.Spec.Containers, *user)
	runPod(t, b.Tenant, pod)
	b.refusedBy(t, "AKV003", finding.Warning, pod)

	for _, value := range []string{"1", "2"} {
		b.rotate(t, value, pod.Name, "/mnt/store/DB-Password")
		b.stays(t, pod.Name, "cd /mnt/store; stat -L -c '%n %a %u %g' *", "DB-Password 644 0 0\ngroup 440 0 0")
		b.stays(t, pod.Name, "cd /mnt/store; for f in new DB-Password; do (echo 9 >$f) 2>&1; done; true",
			"sh: can't create new: Read-only file system\nsh: can't create DB-Password: Read-only file system")
		got := shell(t, b.Tenant, pod.Name, "user", "id -G; cd /mnt/store; cat DB-Password; cat group 2>&1; true")
		if want := "1000 4242\n" + value + "cat: can't open 'group': Permission denied"; got != want {
			t.Errorf("a user in the fsGroup sees %q, want %q", got, want)
		}
	}
}
