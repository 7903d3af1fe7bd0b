package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/workload"
)

// PlannedSpec is the pod spec that the rules look at: it has to be the one that the
// patch leads to.
func PlannedSpec(t *workload.Target, r *Request, f Facts) *corev1.PodSpec {
	p := newPlan(t, r, f, r.version)
	return p.apply(t)
}

// MarshalText lets tests write facts as JSON.
func (o VaultObject) MarshalText() ([]byte, error) {
	return []byte(o.Cloud + "/" + o.Vault + "/" + o.Type + "/" + o.Name + "@" + o.Version), nil
}
