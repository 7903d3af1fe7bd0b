package rules

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// AKV022 reads, when a class is deleted or changed, which unfinished pods mount it. The
// driver 1.6.0 reads the class anew at every rotation (nodeserver.go): without it each
// one fails, and the pods keep what they have, if their kubelet does not take even that
// (kubernetes#121271). A changed class reaches running pods at the next rotation, not
// with the next rollout.
var classInUse = Rule{
	Rule: finding.Rule{
		ID: "AKV022", Name: "class-in-use", Severities: []finding.Severity{finding.Warning},
		Summary:  "The deletion of a SecretProviderClass that running pods mount, or an update that changes what they mount.",
		Prevents: "Running pods stay with the secrets that they have, or get other files in the middle of their work.",
		Evidence: "Secrets Store CSI driver 1.6.0 reads the class at each rotation and fails without it (nodeserver.go); kubelets before the fix of kubernetes#121271 then remove the mount's folder.",
		Remedy:   "Leave the class until no pod mounts it; for a change, make a class with another name and roll it out.",
	},
	ClassChange: checkClassInUse,
}

func checkClassInUse(c *ClassChange, r *Report) {
	if len(c.MountedBy) == 0 {
		return
	}
	if c.Now == nil {
		r.Warn(field.ErrorTypeForbidden, finding.At("metadata", "name"),
			fmt.Sprintf("Without the class nothing rotates any more in the pods that mount it (%s), and new ones do not start.", somePods(c.MountedBy)),
			"Create the class again, or make its workloads mount another one first.")
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
		fmt.Sprintf("Pods that run already (%s) get what the class says now at their next rotation, without a rollout.", somePods(c.MountedBy)),
		"If that is not meant, change it back, make a class with another name, and roll that out.")
}

// somePods names a few of many.
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
