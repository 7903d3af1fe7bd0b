package rules

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestClassTwice(t *testing.T) {
	testRule(t, "AKV010", map[string]ruleCase{
		"twice": {func(r *ruled) {
			r.Pod.Pod.Spec.Volumes = append(r.Pod.Pod.Spec.Volumes, corev1.Volume{Name: "again", VolumeSource: r.Pod.Pod.Spec.Volumes[0].VolumeSource})
		}, []string{"error spec.volumes[1].csi.volumeAttributes[secretProviderClass]"}},
	})
}
