package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/facts"
)

// PlannedSpec returns the pod spec that the rules check. It must equal the one that results
// from the patch.
func PlannedSpec(r *Request, f facts.Facts) *corev1.PodSpec {
	d := Decide(r, f)
	return d.pod.Spec
}
