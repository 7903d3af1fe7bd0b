package rules

import (
	"testing"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func TestPollInterval(t *testing.T) {
	testRule(t, "AKV005", map[string]ruleCase{
		"no duration": {func(r *ruled) { r.CSI().VolumeAttributes[provider.AttributeInterval] = "often" }, []string{"error spec.volumes[0].csi.volumeAttributes[rotationPollInterval]"}},
		"too short":   {func(r *ruled) { r.CSI().VolumeAttributes[provider.AttributeInterval] = "5s" }, []string{"error spec.volumes[0].csi.volumeAttributes[rotationPollInterval]"}},
		"negative":    {func(r *ruled) { r.CSI().VolumeAttributes[provider.AttributeInterval] = "-1m" }, []string{"error spec.volumes[0].csi.volumeAttributes[rotationPollInterval]"}},
		"usable":      {func(r *ruled) { r.CSI().VolumeAttributes[provider.AttributeInterval] = "10s" }, nil},
		"waived": {func(r *ruled) {
			r.CSI().VolumeAttributes[provider.AttributeInterval] = "5s"
			r.Annotate(annotation.Allow, "AKV005")
		}, []string{"warning spec.volumes[0].csi.volumeAttributes[rotationPollInterval]"}},
	})
}
