package rules

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV027 checks pods that read a synced Secret without mounting a class from which the driver makes it.
// The Secret exists while some pod mounts the class: it belongs to that pod (secretproviderclasspodstatus_controller.go).
var syncedWithoutMount = Rule{
	Rule: finding.Rule{
		ID: "AKV027", Name: "synced-secret-without-mount", Severities: []finding.Severity{finding.Warning},
		Lookups:  finding.Classes,
		Summary:  "A variable or a volume from a Secret that a class of the namespace syncs, in a pod that does not mount the class; at admission, of pods that ask or mount others.",
		Prevents: "Unless another pod mounts the class, the Secret does not exist, or goes away with that pod, and this one waits in CreateContainerConfigError.",
		Evidence: "Secrets Store CSI driver 1.6.0 makes the Secret when a pod mounts the class, and its owners are the pods' records: the last one takes it along.",
		Remedy:   "Mount the class in the pod too, even if nothing reads the files.",
	},
	Pod: checkSyncedWithoutMount,
}

func checkSyncedWithoutMount(p *Pod, r *Report) {
	if len(p.Facts.SyncedBy) == 0 {
		return
	}
	told := map[string]bool{}
	workload.EachSecretUse(p.Spec, p.Target.SpecPath(), func(use workload.SecretUse) {
		classes := p.Facts.SyncedBy[use.Secret]
		if len(classes) == 0 || told[use.Secret] || r.NoMoreWarnings() || slices.ContainsFunc(p.Volumes, func(v Volume) bool { return slices.Contains(classes, v.ClassName) }) {
			return
		}
		told[use.Secret] = true // once for each Secret, at its first use
		named := make([]string, 0, len(classes))
		for _, c := range classes {
			named = append(named, fmt.Sprintf("%q", text.Shorten(c)))
		}
		then := "this pod waits in CreateContainerConfigError"
		if use.Optional {
			then = "this pod starts without it"
		}
		r.Warn(field.ErrorTypeNotFound, use.Place,
			fmt.Sprintf("%s reads the Secret %q, which the driver makes from the SecretProviderClass %s, and the pod does not mount that: unless another pod does, the Secret does not exist, and %s.",
				text.Shorten(use.What), text.Shorten(use.Secret), strings.Join(named[:min(len(named), 3)], " or "), then),
			fmt.Sprintf("Add a volume with secretProviderClass: %s, and mount it.", text.Shorten(classes[0])))
	})
}
