package rules

import (
	"testing"
	"time"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func TestRotationOff(t *testing.T) {
	testRule(t, "AKV015", map[string]ruleCase{
		"off": {func(r *ruled) {
			r.Facts.Driver = &provider.Driver{Version: "1.4.8", Rotation: false, PollInterval: 2 * time.Minute}
		}, []string{"warning " + classField}},
		"slower": {func(r *ruled) {
			r.Facts.Driver = &provider.Driver{Version: "1.4.8", Rotation: true, PollInterval: 2 * time.Minute}
			r.CSI().VolumeAttributes[provider.AttributeInterval] = "30s"
		}, []string{"warning spec.volumes[0].csi.volumeAttributes[rotationPollInterval]"}},
		"as asked": {func(r *ruled) {
			r.Facts.Driver = &provider.Driver{Version: "1.4.8", Rotation: true, PollInterval: 2 * time.Minute}
			r.CSI().VolumeAttributes[provider.AttributeInterval] = "2m"
		}, nil},
		"unknown": {func(r *ruled) { r.CSI().VolumeAttributes[provider.AttributeInterval] = "30s" }, nil},
		"the kubelet does not call again": {func(r *ruled) {
			r.Facts.Driver = &provider.Driver{Version: "1.6.0", Rotation: true, PollInterval: time.Minute}
		}, []string{"warning " + classField}},
		"an annotation": {func(r *ruled) {
			r.Facts.Driver = &provider.Driver{Version: "1.4.8", Rotation: true, PollInterval: 2 * time.Minute}
			r.Annotate(annotation.Vault, "payments-kv")
			r.Annotate(annotation.Objects, "a")
			r.Annotate(annotation.MountPath, "/a")
			r.Annotate(annotation.RotationPollInterval, "30s")
		}, []string{"warning metadata.annotations[azure.keyvault.injector/rotation-poll-interval]"}},
	})
}
