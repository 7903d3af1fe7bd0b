package corpus

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject/workload"
)

// subjects are the kinds that a case can be about.
var subjects = func() map[schema.GroupVersionKind]func() runtime.Object {
	kinds := map[schema.GroupVersionKind]func() runtime.Object{
		corev1.SchemeGroupVersion.WithKind("Pod"):                         func() runtime.Object { return &corev1.Pod{} },
		secretsstorev1.SchemeGroupVersion.WithKind("SecretProviderClass"): func() runtime.Object { return &secretsstorev1.SecretProviderClass{} },
	}
	for _, k := range workload.Kinds() {
		kinds[k.GroupVersionKind] = func() runtime.Object { return k.New() }
	}
	return kinds
}()

// readSubject reads the object that a case is about.
func readSubject(text []byte) (runtime.Object, []byte, error) {
	content, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, nil, err
	}
	var head metav1.PartialObjectMetadata
	if err := json.Unmarshal(content, &head); err != nil {
		return nil, nil, err
	}
	construct, ok := subjects[head.GroupVersionKind()]
	if !ok || head.Namespace != Namespace {
		return nil, nil, fmt.Errorf("a %q in namespace %q, where a Pod, a workload or a SecretProviderClass in %q is wanted",
			head.Kind, head.Namespace, Namespace)
	}
	o := construct()
	// Not strictly: a newer API server knows fields that our types do not.
	if err := json.Unmarshal(content, o); err != nil {
		return nil, nil, err
	}
	return o, content, nil
}

// Operations as admission names them.
const (
	Create = "CREATE"
	Update = "UPDATE"
	Delete = "DELETE"
)

// Operation is what is done to the object.
func (c *Case) Operation() string {
	switch {
	case c.Object == nil:
		return Delete
	case c.Old != nil:
		return Update
	}
	return Create
}

// Class is the object, if it is a SecretProviderClass, in a deletion the old one.
func (c *Case) Class() *secretsstorev1.SecretProviderClass {
	o := c.Object
	if o == nil {
		o = c.Old
	}
	class, _ := o.(*secretsstorev1.SecretProviderClass)
	return class
}

// Workload reports whether the case is about a workload.
func (c *Case) Workload() bool { return c.Pod == nil && c.Class() == nil }

// Unseen reports whether admission leaves the object alone: it is being deleted, or one of
// the cluster's own controllers writes it for a workload that was looked at.
func (c *Case) Unseen() bool {
	if c.Pod != nil || c.Object == nil {
		return false
	}
	o, err := meta.Accessor(c.Object)
	if err != nil {
		panic("the kinds of subjects have metadata: " + err.Error())
	}
	return o.GetDeletionTimestamp() != nil || c.Options.Origin == "builtin-controller" && metav1.GetControllerOf(o) != nil
}
