package inject

import "k8s.io/apimachinery/pkg/util/validation/field"

// AKV002 reads csi.readOnly. The driver 1.6.0 refuses to publish a volume that is not
// read-only (nodeserver.go: "Readonly is not true in request"; 1.4.8 too).
var volumeReadOnlyRule = Rule{
	ID: "AKV002", Name: "volume-not-readonly", Severities: []Severity{Error},
	Summary:  "A secrets-store volume whose csi.readOnly is not true.",
	Prevents: "The driver refuses the volume and the pod never starts.",
	Evidence: "Secrets Store CSI driver 1.4.8 and 1.6.0 fail with \"Readonly is not true in request\" (nodeserver.go).",
	Remedy:   "Set readOnly: true in the volume's csi.",
	On:       podsAndTemplates,
}

func checkVolumeReadOnly(s *subject) []Finding {
	var findings []Finding
	for _, v := range s.volumes {
		if v.CSI.ReadOnly == nil || !*v.CSI.ReadOnly {
			findings = append(findings, found("AKV002", Error, field.ErrorTypeInvalid, v.path.Child("csi", "readOnly"),
				"The driver refuses a volume that is not read-only, so the pod never starts.",
				"Set readOnly: true."))
		}
	}
	return findings
}
