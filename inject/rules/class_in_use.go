package rules

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// AKV022 checks whether unfinished pods mount a class that is deleted or changed. Driver
// 1.6.0 reads the class again at every rotation (nodeserver.go). Without the class every
// rotation fails: the pods keep their current files, or lose even those to their kubelet
// (kubernetes#121271). A changed class reaches running pods at the next rotation, not with
// the next rollout.
var classInUse = Rule{
	Rule: finding.Rule{
		ID: "AKV022", Name: "class-in-use", Severities: []finding.Severity{finding.Warning},
		Summary:  "The deletion of a SecretProviderClass that running pods mount, or an update that changes their files.",
		Prevents: "Running pods keep outdated secrets, or get other files while they run.",
		Evidence: "Secrets Store CSI driver 1.6.0 reads the class at each rotation and fails without it (nodeserver.go); kubelets before the fix of kubernetes#121271 then remove the mount's folder.",
		Remedy:   "Keep the class until no pod mounts it. To change it, create a class with another name and roll that out.",
	},
	ClassChange: checkClassInUse,
}

func checkClassInUse(c *ClassChange, r *Report) {
	if len(c.MountedBy) == 0 {
		return
	}
	if c.Now == nil {
		r.Warn(field.ErrorTypeForbidden, finding.At("metadata", "name"),
			fmt.Sprintf("Without the class, nothing rotates in the pods that mount it (%s), and new pods do not start.", somePods(c.MountedBy)),
			"Create the class again, or make its workloads mount another class.")
		return
	}
	place := finding.At("spec", "provider")
	if c.Now.Spec.Provider == c.Before.Spec.Provider {
		place = parameters()
		if maps.Equal(c.Now.Spec.Parameters, c.Before.Spec.Parameters) {
			return
		}
	}
	r.Warn(field.ErrorTypeInvalid, place,
		fmt.Sprintf("Running pods (%s) get the files of the changed class at their next rotation, without a rollout.", somePods(c.MountedBy)),
		"If that is not intended, revert the change, create a class with another name and roll that out.")
}

// somePods returns a list of the first few names.
func somePods(names []string) string {
	const few = 3
	if len(names) <= few {
		return strings.Join(shortened(names), ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(shortened(names[:few]), ", "), len(names)-few)
}

func shortened(names []string) []string {
	short := make([]string, 0, len(names))
	for _, n := range names {
		short = append(short, text.Shorten(n))
	}
	return short
}
