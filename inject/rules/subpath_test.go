package rules

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/annotation"
)

func TestSubPath(t *testing.T) {
	testRule(t, "AKV001", map[string]ruleCase{
		"sub path":   {func(r *ruled) { r.Mount().SubPath = "a" }, []string{"error spec.containers[0].volumeMounts[0].subPath"}},
		"expression": {func(r *ruled) { r.Mount().SubPathExpr = "$(A)" }, []string{"error spec.containers[0].volumeMounts[0].subPathExpr"}},
		"of another volume": {func(r *ruled) {
			r.App().VolumeMounts = append(r.App().VolumeMounts, corev1.VolumeMount{Name: "other", SubPath: "a"})
		}, nil},
		"waived": {func(r *ruled) { r.Mount().SubPath = "a"; r.Annotate(annotation.Allow, "AKV001") }, []string{"warning spec.containers[0].volumeMounts[0].subPath"}},
		"of a synced Secret": {func(r *ruled) {
			r.Sync("db")
			r.Pod.Pod.Spec.Volumes = append(r.Pod.Pod.Spec.Volumes, corev1.Volume{Name: "db", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "db"}}})
			r.App().VolumeMounts = append(r.App().VolumeMounts, corev1.VolumeMount{Name: "db", MountPath: "/db", SubPath: "a"})
		}, []string{"error spec.containers[0].volumeMounts[1].subPath"}},
	})
}
