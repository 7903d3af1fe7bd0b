package webhook

import (
	corev1 "k8s.io/api/core/v1"
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

// classKinds is served under ValidateClassPath.
func classKinds() kinds {
	return kinds{kindIn(secretsstorev1.SchemeGroupVersion, "SecretProviderClass", "secretproviderclasses",
		func() client.Object { return &secretsstorev1.SecretProviderClass{} })}
}

func kindIn(version schema.GroupVersion, name, resource string, empty func() client.Object) kind {
	return kind{version.WithKind(name), schema.GroupResource{Group: version.Group, Resource: resource}, empty}
}
