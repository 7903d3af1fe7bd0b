package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// AKV023 checks csi.fsType, as an example of a rule: what the driver does with it was not looked up.
var unusedFSType = Rule{
	Rule: finding.Rule{
		ID: "AKV023", Name: "unused-fs-type", Severities: []finding.Severity{finding.Warning},
		Summary:  "A secrets-store volume with a csi.fsType.",
		Prevents: "The manifest reads as if the files were on a disk; they are in memory.",
		Evidence: "None: this rule is an example of how one is added.",
		Remedy:   "Remove csi.fsType.",
	},
	Pod: checkUnusedFSType,
}

func checkUnusedFSType(p *Pod, r *Report) {
	for _, v := range p.Volumes {
		if fsType := v.CSI.FSType; v.Generated == nil && fsType != nil && *fsType != "" {
			r.Warn(field.ErrorTypeInvalid, v.place.Child("csi", "fsType"),
				fmt.Sprintf("The driver does not use the file system %q; the files are in memory.", text.Shorten(*fsType)), "Remove fsType.")
		}
	}
}
