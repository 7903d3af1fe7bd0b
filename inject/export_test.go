package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/finding"
)

// PlannedSpec is the pod spec that the rules look at: it has to be the one that the
// patch leads to.
func PlannedSpec(t *Target, r *Request, f Facts) *corev1.PodSpec {
	p := newPlan(t, r, f, r.version)
	return p.apply(t)
}

// WriteObjects is the objects parameter of a generated class.
func WriteObjects(objects []Object) string {
	sortObjects(objects)
	return writeObjects(objects)
}

// ParseClassObjects reads the objects parameter of any class.
func ParseClassObjects(text string) ([]Object, finding.FieldErrors) {
	return parseClassObjects(text, nil)
}

// MarshalText lets tests write facts as JSON.
func (o VaultObject) MarshalText() ([]byte, error) {
	return []byte(o.Cloud + "/" + o.Vault + "/" + o.Type + "/" + o.Name + "@" + o.Version), nil
}
