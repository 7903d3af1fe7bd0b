package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// AKV003 checks volumeMounts[].readOnly. A mount without it does no harm: the volume is
// read-only, or it would not be mounted (AKV002), and then so is each of its mounts (kubelet
// 1.37.2, kubelet_pods.go: mustMountRO; "Read-only file system", for root too). But it
// misleads readers of the manifest.
var mountReadOnly = Rule{
	Rule: finding.Rule{
		ID: "AKV003", Name: "mount-not-readonly", Severities: []finding.Severity{finding.Warning},
		Repair:   finding.SetTrue,
		Summary:  "A mount of a secrets-store volume whose readOnly is not true.",
		Prevents: "The manifest suggests that the container can write, but the kubelet mounts the volume read-only anyway.",
		Evidence: "The kubelet 1.37.2 mounts a read-only CSI volume read-only, even if the mount is not (kubelet_pods.go).",
		Remedy:   "Set readOnly: true on the mount.",
	},
	Pod: checkMountReadOnly,
}

func checkMountReadOnly(p *Pod, r *Report) {
	p.EachMount(func(m Mount) {
		if !m.ReadOnly && p.volume(m.Name) != nil {
			r.Warn(field.ErrorTypeInvalid, m.place(p.Target).Child("readOnly"),
				fmt.Sprintf("The mount in container %q is read-only anyway, because its volume is; writes to it fail.", text.Shorten(m.Container.Name)),
				"Set readOnly: true on the mount.")
		}
	})
}
