package rotation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/e2e/system"
	"akv-injector/inject/finding"
)

// subPath is AKV001: through a subPath or a subPathExpr the container keeps what it
// started with, of a secrets-store volume and of a Secret that its class syncs, while
// the whole folder beside it has the new value.
func subPath(t *testing.T, s *system.System) {
	b := newByHand(t, s, "subpath")
	setSecret(t, b.Tenant, "DB-Password", "1")
	class := b.class("store", object("DB-Password"))
	class.Spec.SecretObjects = syncTo("synced", "DB-Password")
	pod := b.pod("reader", "store")
	pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "FILE", Value: "DB-Password"}}
	mount(pod, corev1.VolumeMount{Name: "store", MountPath: "/mnt/by-path", SubPath: "DB-Password", ReadOnly: true})
	mount(pod, corev1.VolumeMount{Name: "store", MountPath: "/mnt/by-expr", SubPathExpr: "$(FILE)", ReadOnly: true})
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "synced", VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: "synced"},
	}})
	mount(pod, corev1.VolumeMount{Name: "synced", MountPath: "/mnt/synced", ReadOnly: true})
	mount(pod, corev1.VolumeMount{Name: "synced", MountPath: "/mnt/synced-by-path", SubPath: "DB-Password", ReadOnly: true})
	b.create(t, class)
	runPod(t, b.Tenant, pod)
	b.refusedBy(t, "AKV001", finding.Error, pod)

	const all = "cat /mnt/by-path /mnt/by-expr /mnt/synced-by-path"
	b.stays(t, pod.Name, all, "111")
	for _, value := range []string{"2", "3"} {
		b.rotate(t, value, pod.Name, "/mnt/store/DB-Password", "/mnt/synced/DB-Password")
	}
	b.stays(t, pod.Name, all, "111")
}

// syncTo is a Secret with one file of the class, under the file's name.
func syncTo(secret, file string) []*secretsstorev1.SecretObject {
	return []*secretsstorev1.SecretObject{{
		SecretName: secret, Type: string(corev1.SecretTypeOpaque),
		Data: []*secretsstorev1.SecretObjectData{{ObjectName: file, Key: file}},
	}}
}
