package rules

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestMountConflict(t *testing.T) {
	testRule(t, "AKV017", map[string]ruleCase{
		"below": {func(r *ruled) {
			r.App().VolumeMounts = append(r.App().VolumeMounts, corev1.VolumeMount{Name: "other", MountPath: "/mnt/secrets-store/more"})
		}, []string{"error spec.containers[0].volumeMounts[1].mountPath"}},
		"at": {func(r *ruled) {
			r.App().VolumeMounts = append(r.App().VolumeMounts, corev1.VolumeMount{Name: "other", MountPath: "/mnt/secrets-store/"})
		}, []string{"error spec.containers[0].volumeMounts[1].mountPath"}},
		"above": {func(r *ruled) {
			r.App().VolumeMounts = append(r.App().VolumeMounts, corev1.VolumeMount{Name: "other", MountPath: "/mnt"})
		}, []string{"warning spec.containers[0].volumeMounts[1].mountPath"}},
		"beside": {func(r *ruled) {
			r.App().VolumeMounts = append(r.App().VolumeMounts, corev1.VolumeMount{Name: "other", MountPath: "/mnt/secrets-store-2"})
		}, nil},
	})
}
