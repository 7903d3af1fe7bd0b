package manifest

import (
	"bytes"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/workload"
)

// Pods are the pod that an object is, the template of one that is known, or all that look like
// a pod in an object of another kind; misfits are what looks like one and is none.
func (o *Object) Pods() (pods []workload.Shape, misfits []workload.Misfit) {
	if o.Typed != nil {
		if t := workload.TargetOf(o.Typed); t != nil {
			return []workload.Shape{{Target: t, At: t.Path}}, nil
		}
		return nil, nil
	}
	if !bytes.Contains(o.JSON, []byte(`"containers"`)) && !bytes.Contains(o.JSON, []byte(`"volumeMounts"`)) {
		return nil, nil
	}
	var whole map[string]any
	if err := json.Unmarshal(o.JSON, &whole); err != nil {
		return nil, nil
	}
	var owner struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(o.JSON, &owner); err != nil {
		return nil, nil
	}
	return workload.Shapes(o.Kind, &owner.Metadata, whole)
}

// LooksLikePatch reports whether a class is only a part of one: what kustomize lays over a base.
func (o *Object) LooksLikePatch() bool {
	class, ok := o.Typed.(*secretsstorev1.SecretProviderClass)
	return ok && class.Spec.Provider == "" && class.Spec.Parameters["objects"] == ""
}
