package rules

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
)

// AKV002 checks csi.readOnly. Driver 1.6.0 refuses to publish a volume that is not
// read-only (nodeserver.go: "Readonly is not true in request"; 1.4.8 too).
var volumeReadOnly = Rule{
	Rule: finding.Rule{
		ID: "AKV002", Name: "volume-not-readonly", Severities: []finding.Severity{finding.Error},
		Repair:   finding.SetTrue,
		Lookups:  finding.Namespace | finding.ServiceAccounts, // whether the plan completes the volume
		Summary:  "A secrets-store volume whose csi.readOnly is not true.",
		Prevents: "The driver refuses the volume and the pod never starts.",
		Evidence: "Secrets Store CSI driver 1.4.8 and 1.6.0 fail with \"Readonly is not true in request\" (nodeserver.go).",
		Remedy:   "Set readOnly: true in the volume's csi.",
	},
	Pod:    checkVolumeReadOnly,
	Policy: `variables.volumes.all(v, v.csi.?readOnly.orValue(false))`,
}

func checkVolumeReadOnly(p *Pod, r *Report) {
	for _, v := range p.Volumes {
		if v.CSI.ReadOnly == nil || !*v.CSI.ReadOnly {
			r.Error(field.ErrorTypeInvalid, v.place.Child("csi", "readOnly"),
				"The driver refuses a volume that is not read-only, so the pod never starts.",
				"Set readOnly: true.")
		}
	}
}
