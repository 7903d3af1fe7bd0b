package webhook

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
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

// workloads are the kinds whose templates workload.TargetOf finds.
func workloads() kinds {
	apps, batch := appsv1.SchemeGroupVersion, batchv1.SchemeGroupVersion
	return kinds{
		kindIn(apps, "Deployment", "deployments", func() client.Object { return &appsv1.Deployment{} }),
		kindIn(apps, "StatefulSet", "statefulsets", func() client.Object { return &appsv1.StatefulSet{} }),
		kindIn(apps, "DaemonSet", "daemonsets", func() client.Object { return &appsv1.DaemonSet{} }),
		kindIn(apps, "ReplicaSet", "replicasets", func() client.Object { return &appsv1.ReplicaSet{} }),
		kindIn(corev1.SchemeGroupVersion, "ReplicationController", "replicationcontrollers",
			func() client.Object { return &corev1.ReplicationController{} }),
		kindIn(batch, "Job", "jobs", func() client.Object { return &batchv1.Job{} }),
		kindIn(batch, "CronJob", "cronjobs", func() client.Object { return &batchv1.CronJob{} }),
	}
}

// classKinds is served under ValidateClassPath.
func classKinds() kinds {
	return kinds{kindIn(secretsstorev1.SchemeGroupVersion, "SecretProviderClass", "secretproviderclasses",
		func() client.Object { return &secretsstorev1.SecretProviderClass{} })}
}

func kindIn(version schema.GroupVersion, name, resource string, empty func() client.Object) kind {
	return kind{version.WithKind(name), schema.GroupResource{Group: version.Group, Resource: resource}, empty}
}
