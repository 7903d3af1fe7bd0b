package inject

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// AKV002 reads csi.readOnly. The driver 1.6.0 refuses to publish a volume that is not
// read-only (nodeserver.go: "readOnly is not true in request").
var volumeReadOnlyRule = Rule{
	ID: "AKV002", Name: "volume-not-readonly", Severities: []Severity{Error},
	Summary:  "A secrets-store volume whose csi.readOnly is not true.",
	Prevents: "The driver refuses the volume and the pod never starts.",
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

// AKV003 reads volumeMounts[].readOnly. The driver 1.6.0 publishes a tmpfs that root in
// the container can write to through such a mount; what it writes is lost or in the way
// at the next rotation.
var mountReadOnlyRule = Rule{
	ID: "AKV003", Name: "mount-not-readonly", Severities: []Severity{Warning},
	Summary:  "A mount of a secrets-store volume whose readOnly is not true.",
	Prevents: "The container could write into the files that rotation replaces.",
}

func checkMountReadOnly(s *subject) []Finding {
	var findings []Finding
	s.eachMount(func(m mountRef) {
		if !m.ReadOnly && s.volume(m.Name) != nil {
			findings = append(findings, found("AKV003", Warning, field.ErrorTypeInvalid, m.path(s.specPath()).Child("readOnly"),
				fmt.Sprintf("The container %q could write into the files that rotation replaces.", shorten(m.container.Name)),
				"Set readOnly: true on the mount."))
		}
	})
	return findings
}
