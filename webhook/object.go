package webhook

import (
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/workload"
)

// object is what a request is about.
type object struct {
	// kind as its group and version have it.
	kind schema.GroupVersionKind
	// path of the template, where the kind is not one of our own.
	path []string
	client.Object
}

// target is the pod or template in the object.
func (o *object) target() *workload.Target {
	extra, ok := o.Object.(*unstructured.Unstructured)
	if !ok {
		return workload.TargetOf(o.Object)
	}
	owner := &metav1.ObjectMeta{Name: o.GetName(), Namespace: o.GetNamespace(), Labels: o.GetLabels(), Annotations: o.GetAnnotations()}
	return workload.TargetAt(o.kind.Kind, owner, extra.Object, o.path)
}

// pod is the object where the path serves nothing but pods.
func (o *object) pod() *corev1.Pod {
	pod, _ := o.Object.(*corev1.Pod)
	return pod
}

// noun is what a message calls the object's kind.
func (o *object) noun() string {
	if o.kind.Kind == "Pod" {
		return "pod"
	}
	return o.kind.Kind
}

// decodeNew reads the object that is to be stored, unless it is a pod that was read already. What it refuses is
// a verdict: asking again would give the same.
func (k kinds) decodeNew(req *admissionv1.AdmissionRequest, pod *corev1.Pod) (*object, error) {
	if pod == nil {
		return k.decode(req, "object", req.Object.Raw)
	}
	kind, err := k.check(req)
	if err != nil {
		return nil, err
	}
	return (&object{kind: kind.GroupVersionKind, Object: pod}).as(kind, "object", req)
}

// decodeOld reads the object that is stored. It is nil if that cannot be read, or is too
// complex to be.
func (k kinds) decodeOld(req *admissionv1.AdmissionRequest) (o *object, tooComplex bool) {
	if complexityOf(req.OldObject.Raw).problem() != "" {
		return nil, true
	}
	o, err := k.decode(req, "oldObject", req.OldObject.Raw)
	if err != nil {
		return nil, false
	}
	return o, false
}

func (k kinds) decode(req *admissionv1.AdmissionRequest, name string, raw []byte) (*object, error) {
	kind, err := k.check(req)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 || string(raw) == "null" {
		return nil, fmt.Errorf("request.%s is empty, expected a %s", name, kind.Kind)
	}

	o := &object{kind: kind.GroupVersionKind, path: kind.path, Object: kind.empty()}
	into := any(o.Object)
	if extra, ok := into.(*unstructured.Unstructured); ok {
		into = &extra.Object
	}
	// Unknown fields are a newer API server's. Of a duplicate field we might see
	// another one than the API server does, so the patch would not fit.
	duplicates, err := decodeStrictly(raw, into)
	if err != nil {
		return nil, fmt.Errorf("request.%s is not a %s in JSON: %s", name, kind.Kind, line(err.Error(), maxDetail))
	}
	if len(duplicates) > 0 {
		return nil, fmt.Errorf("request.%s is ambiguous: %s", name, line(duplicates[0].Error(), maxDetail))
	}
	return o.as(kind, name, req)
}

// as returns the object if it is of a kind, and says in which namespace it is.
func (o *object) as(kind *kind, name string, req *admissionv1.AdmissionRequest) (*object, error) {
	if got := o.GetObjectKind().GroupVersionKind(); got != kind.GroupVersionKind {
		version, known := got.ToAPIVersionAndKind()
		return nil, fmt.Errorf("request.%s is apiVersion %q, kind %q; expected %s, %s", name,
			line(version, maxName), line(known, maxName), kind.GroupVersion(), kind.Kind)
	}
	// A pod that a controller creates may leave its namespace to the request.
	o.SetNamespace(req.Namespace)
	return o, nil
}

// check finds what the request says that its object is, and in which namespace.
func (k kinds) check(req *admissionv1.AdmissionRequest) (*kind, error) {
	kind, err := k.of(req)
	if err == nil && req.Namespace == "" {
		err = fmt.Errorf("request.namespace is empty, but a %s lives in a namespace", kind.Kind)
	}
	return kind, err
}

// of finds what the request says that its object is.
func (k kinds) of(req *admissionv1.AdmissionRequest) (*kind, error) {
	got := schema.GroupVersionKind{Group: req.Kind.Group, Version: req.Kind.Version, Kind: req.Kind.Kind}
	resource := schema.GroupResource{Group: req.Resource.Group, Resource: req.Resource.Resource}
	i := slices.IndexFunc(k, func(known kind) bool { return known.resource == resource })
	if i < 0 {
		var resources []string
		for _, known := range k {
			resources = append(resources, known.resource.String())
		}
		return nil, fmt.Errorf("request.resource is %q, expected %s: the webhook configuration sends what akv-injector does not know",
			line(resource.String(), maxName), strings.Join(resources, ", "))
	}
	if known := &k[i]; got == known.GroupVersionKind {
		return known, nil
	} else if known.path != nil && got.GroupVersion() == known.GroupVersion() && got.Kind != "" {
		named := *known
		named.Kind = got.Kind
		return &named, nil
	}
	return nil, fmt.Errorf("request.kind is %q, expected %s of %s", line(got.String(), maxName), k[i].Kind, k[i].GroupVersion())
}

// objectName is what a message calls the object: a pod that a controller makes has no
// name yet, only the beginning of one.
func objectName(req *admissionv1.AdmissionRequest, o *object) string {
	name := req.Name
	if name == "" && o != nil {
		name = o.GetName()
		if name == "" {
			name = o.GetGenerateName()
		}
	}
	return line(name, maxName)
}
