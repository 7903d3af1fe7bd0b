package rules

import "testing"

func TestVolumeNotMounted(t *testing.T) {
	testRule(t, "AKV024", map[string]ruleCase{
		"mounted":            {func(*ruled) {}, nil},
		"by nobody":          {func(r *ruled) { r.App().VolumeMounts = nil }, []string{"warning spec.volumes[0]"}},
		"another is mounted": {func(r *ruled) { r.App().VolumeMounts[0].Name = "other" }, []string{"warning spec.volumes[0]"}},
		"by an init container": {func(r *ruled) {
			r.Pod.Pod.Spec.InitContainers, r.Pod.Pod.Spec.Containers = r.Pod.Pod.Spec.Containers, nil
		}, nil},
	})
}
