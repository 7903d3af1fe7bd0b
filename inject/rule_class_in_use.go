package inject

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// AKV022 reads, when a class is deleted or changed, which unfinished pods mount it. The
// driver 1.6.0 reads the class anew at every rotation (nodeserver.go): without it each
// one fails, and the pods keep what they have, if their kubelet does not take even that
// (kubernetes#121271). A changed class reaches running pods at the next rotation, not
// with the next rollout.
var classInUseRule = Rule{
	ID: "AKV022", Name: "class-in-use", Severities: []Severity{Warning}, On: []Place{OnClasses},
	Summary:  "The deletion of a SecretProviderClass that running pods mount, or an update that changes what they mount.",
	Prevents: "Running pods stay with the secrets that they have, or get other files in the middle of their work.",
	Evidence: "Secrets Store CSI driver 1.6.0 reads the class at each rotation and fails without it (nodeserver.go); kubelets before the fix of kubernetes#121271 then remove the mount's folder.",
	Remedy:   "Leave the class until no pod mounts it; for a change, make a class with another name and roll it out.",
}

func checkClassDeleted(before *secretsstorev1.SecretProviderClass, f facts.Facts) []Finding {
	if len(f.MountedBy) == 0 {
		return nil
	}
	return []Finding{found("AKV022", Warning, field.ErrorTypeForbidden, finding.At("metadata", "name"),
		fmt.Sprintf("Without the class nothing rotates any more in the pods that mount it (%s), and new ones do not start.", somePods(f.MountedBy)),
		"Create the class again, or make its workloads mount another one first.")}
}

func checkClassChanged(now, before *secretsstorev1.SecretProviderClass, f facts.Facts) []Finding {
	path := finding.At("spec", "provider")
	if now.Spec.Provider == before.Spec.Provider {
		path = classParameters()
		if maps.Equal(now.Spec.Parameters, before.Spec.Parameters) {
			return nil
		}
	}
	if len(f.MountedBy) == 0 {
		return nil
	}
	return []Finding{found("AKV022", Warning, field.ErrorTypeInvalid, path,
		fmt.Sprintf("Pods that run already (%s) get what the class says now at their next rotation, without a rollout.", somePods(f.MountedBy)),
		"If that is not meant, change it back, make a class with another name, and roll that out.")}
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
