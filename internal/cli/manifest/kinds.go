package manifest

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/workload"
)

// classVersions are those of a SecretProviderClass that the driver 1.6.0 serves. They have
// the same fields.
var classVersions = []string{"v1", "v1alpha1"}

// known are the kinds that have something to do with what pods get.
var known = func() map[schema.GroupVersionKind]func() runtime.Object {
	kinds := map[schema.GroupVersionKind]func() runtime.Object{
		corev1.SchemeGroupVersion.WithKind("Pod"):            func() runtime.Object { return &corev1.Pod{} },
		corev1.SchemeGroupVersion.WithKind("Namespace"):      func() runtime.Object { return &corev1.Namespace{} },
		corev1.SchemeGroupVersion.WithKind("ServiceAccount"): func() runtime.Object { return &corev1.ServiceAccount{} },
		storagev1.SchemeGroupVersion.WithKind("CSIDriver"):   func() runtime.Object { return &storagev1.CSIDriver{} },
	}
	for _, k := range workload.Kinds() {
		kinds[k.GroupVersionKind] = func() runtime.Object { return k.New() }
	}
	for _, version := range classVersions {
		kinds[schema.GroupVersionKind{Group: secretsstorev1.SchemeGroupVersion.Group, Version: version, Kind: "SecretProviderClass"}] = func() runtime.Object {
			return &secretsstorev1.SecretProviderClass{}
		}
	}
	return kinds
}()

// OtherVersion reports whether the kind is one that is known, in a version or a group that is
// not: such an object was not checked, though its name suggests it.
func (o *Object) OtherVersion() bool {
	if o.Typed != nil {
		return false
	}
	for gvk := range known {
		if gvk.Kind == o.Kind {
			return true
		}
	}
	return false
}

// decode is the object of a kind that is known, or nil. Names of fields have a case, as
// they have for the API server, and fields that are unknown are dropped: strict says that there are some.
func decode(gvk schema.GroupVersionKind, text []byte) (o runtime.Object, strict bool, err error) {
	construct, ok := known[gvk]
	if !ok {
		return nil, false, nil
	}
	o = construct()
	unknown, err := kjson.UnmarshalStrict(text, o, kjson.DisallowUnknownFields)
	return o, len(unknown) > 0, err
}
