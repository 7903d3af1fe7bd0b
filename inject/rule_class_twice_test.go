package inject

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestClassTwice(t *testing.T) {
	testRule(t, "AKV010", map[string]ruleCase{
		"twice": {func(r *ruled) {
			r.pod.Spec.Volumes = append(r.pod.Spec.Volumes, corev1.Volume{Name: "again", VolumeSource: r.pod.Spec.Volumes[0].VolumeSource})
		}, []string{"error spec.volumes[1].csi.volumeAttributes[secretProviderClass]"}},
	})
}
