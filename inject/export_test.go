package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/facts"
)

// PlannedSpec is the pod spec that the rules look at: it has to be the one that the
// patch leads to.
func PlannedSpec(r *Request, f facts.Facts) *corev1.PodSpec {
	d := Decide(r, f)
	return d.pod.Spec
}
