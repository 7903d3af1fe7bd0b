package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/workload"
)

// PlannedSpec is the pod spec that the rules look at: it has to be the one that the
// patch leads to.
func PlannedSpec(t *workload.Target, r *Request, f facts.Facts) *corev1.PodSpec {
	p := newPlan(t, r, f, r.version)
	return p.apply(t)
}
