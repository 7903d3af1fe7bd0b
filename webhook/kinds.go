package webhook

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/workload"
)

// kind is a kind of objects that a path serves.
type kind struct {
	schema.GroupVersionKind
	resource schema.GroupResource
	empty    func() client.Object
	// path of the template in an extra workload, which has the kind that the API server gives it.
	path []string
}

type kinds []kind

// pods is served under MutatePath and ValidatePath.
func pods() kinds {
	return kinds{kindIn(corev1.SchemeGroupVersion, "Pod", "pods", func() client.Object { return &corev1.Pod{} })}
}

// workloads is served under ValidateWorkloadPath.
func workloads() kinds {
	var all kinds
	for _, k := range workload.Kinds() {
		all = append(all, kindIn(k.GroupVersion(), k.Kind, k.Resource, func() client.Object { return k.New() }))
	}
	return all
}

// extraWorkloads are those that the server was told of.
func extraWorkloads(extras []workload.Extra) kinds {
	var all kinds
	for _, e := range extras {
		all = append(all, kind{
			GroupVersionKind: e.GroupVersion().WithKind(""), resource: e.GroupResource(), path: e.Path,
			empty: func() client.Object { return &unstructured.Unstructured{} },
		})
	}
	return all
}

// classKinds is served under ValidateClassPath.
func classKinds() kinds {
	return kinds{kindIn(secretsstorev1.SchemeGroupVersion, "SecretProviderClass", "secretproviderclasses",
		func() client.Object { return &secretsstorev1.SecretProviderClass{} })}
}

func kindIn(version schema.GroupVersion, name, resource string, empty func() client.Object) kind {
	return kind{GroupVersionKind: version.WithKind(name), resource: schema.GroupResource{Group: version.Group, Resource: resource}, empty: empty}
}
