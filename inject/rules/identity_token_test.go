package rules

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/provider"
)

func TestIdentityToken(t *testing.T) {
	testRule(t, "AKV013", map[string]ruleCase{
		"missing":          {func(r *ruled) { r.Target.Admitted = true; r.Pod.Pod.Labels[provider.LabelUseWorkloadIdentity] = "true" }, []string{"warning metadata.labels[azure.workload.identity/use]"}},
		"not admitted yet": {func(r *ruled) { r.Pod.Pod.Labels[provider.LabelUseWorkloadIdentity] = "true" }, nil},
		"no label":         {func(r *ruled) { r.Target.Admitted = true }, nil},
		"present": {func(r *ruled) {
			r.Target.Admitted = true
			r.Pod.Pod.Labels[provider.LabelUseWorkloadIdentity] = "true"
			r.Pod.Pod.Spec.Volumes = append(r.Pod.Pod.Spec.Volumes, corev1.Volume{Name: "x", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token/azure-identity-token"}}}}}})
		}, nil},
		"of an older webhook": {func(r *ruled) {
			r.Target.Admitted = true
			r.Pod.Pod.Labels[provider.LabelUseWorkloadIdentity] = "true"
			r.Pod.Pod.Spec.Volumes = append(r.Pod.Pod.Spec.Volumes, corev1.Volume{Name: "x", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "azure-identity-token"}}}}}})
		}, nil},
		"another token": {func(r *ruled) {
			r.Target.Admitted = true
			r.Pod.Pod.Labels[provider.LabelUseWorkloadIdentity] = "true"
			r.Pod.Pod.Spec.Volumes = append(r.Pod.Pod.Spec.Volumes, corev1.Volume{Name: "x", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}}}}})
		}, []string{"warning metadata.labels[azure.workload.identity/use]"}},
		"nothing of the secrets store": {func(r *ruled) {
			r.Target.Admitted = true
			r.Pod.Pod.Labels[provider.LabelUseWorkloadIdentity] = "true"
			r.Pod.Pod.Spec.Volumes = nil
			r.App().VolumeMounts = nil
		}, nil},
	})
}
