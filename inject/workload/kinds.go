package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"akv-injector/inject/finding"
)

// Object is any object with metadata.
type Object interface {
	runtime.Object
	metav1.Object
}

// Kind is a kind of workload: one that creates pods from a template.
type Kind struct {
	schema.GroupVersionKind
	// Resource is its name in the API: deployments.
	Resource string
	// New returns an empty object.
	New func() Object
	// template of an object of this kind, nil for any other object.
	template func(runtime.Object) *corev1.PodTemplateSpec
	path     []string
}

// Kinds are all workloads whose templates are checked. Workloads of other API groups (Argo
// Rollouts, Knative Services) are not: only their pods are checked, when they are created.
func Kinds() []Kind { return kinds }

var kinds = []Kind{
	kind("apps/v1", "Deployment", "deployments", func(o *appsv1.Deployment) *corev1.PodTemplateSpec { return &o.Spec.Template }),
	kind("apps/v1", "StatefulSet", "statefulsets", func(o *appsv1.StatefulSet) *corev1.PodTemplateSpec { return &o.Spec.Template }),
	kind("apps/v1", "DaemonSet", "daemonsets", func(o *appsv1.DaemonSet) *corev1.PodTemplateSpec { return &o.Spec.Template }),
	kind("apps/v1", "ReplicaSet", "replicasets", func(o *appsv1.ReplicaSet) *corev1.PodTemplateSpec { return &o.Spec.Template }),
	kind("v1", "ReplicationController", "replicationcontrollers", func(o *corev1.ReplicationController) *corev1.PodTemplateSpec { return o.Spec.Template }),
	kind("batch/v1", "Job", "jobs", func(o *batchv1.Job) *corev1.PodTemplateSpec { return &o.Spec.Template }),
	kind("batch/v1", "CronJob", "cronjobs", func(o *batchv1.CronJob) *corev1.PodTemplateSpec { return &o.Spec.JobTemplate.Spec.Template },
		"spec", "jobTemplate", "spec", "template"),
}

func kind[T any, P interface {
	*T
	Object
}](apiVersion, name, resource string, template func(P) *corev1.PodTemplateSpec, path ...string) Kind {
	if path == nil {
		path = []string{"spec", "template"}
	}
	return Kind{
		GroupVersionKind: schema.FromAPIVersionAndKind(apiVersion, name),
		Resource:         resource,
		New:              func() Object { return P(new(T)) },
		template: func(o runtime.Object) *corev1.PodTemplateSpec {
			if typed, ok := o.(P); ok {
				return template(typed)
			}
			return nil
		},
		path: path,
	}
}

// TargetOf is the pod in an object: a Pod itself, or the template of a workload. It is
// nil for an object of any other kind, and for one without a template.
func TargetOf(o runtime.Object) *Target {
	if pod, ok := o.(*corev1.Pod); ok {
		return PodTarget(pod)
	}
	for i := range kinds {
		if template := kinds[i].template(o); template != nil {
			return &Target{
				Meta: &template.ObjectMeta, Spec: &template.Spec,
				Path: finding.At(kinds[i].path...), Template: true,
				Kind: kinds[i].Kind, Owner: ownerOf(o), Between: betweenOf(o), Replicas: replicasOf(o),
			}
		}
	}
	return nil
}

func replicasOf(o runtime.Object) int {
	var replicas *int32
	switch o := o.(type) {
	case *appsv1.Deployment:
		replicas = o.Spec.Replicas
	case *appsv1.StatefulSet:
		replicas = o.Spec.Replicas
	case *appsv1.ReplicaSet:
		replicas = o.Spec.Replicas
	case *corev1.ReplicationController:
		replicas = o.Spec.Replicas
	default:
		return 0
	}
	if replicas == nil {
		return 1
	}
	return int(*replicas)
}

func betweenOf(o runtime.Object) []Between {
	if cron, ok := o.(*batchv1.CronJob); ok {
		return []Between{{finding.At("spec", "jobTemplate", "metadata"), &cron.Spec.JobTemplate.ObjectMeta}}
	}
	return nil
}

func ownerOf(o runtime.Object) *metav1.ObjectMeta {
	owner, ok := o.(metav1.ObjectMetaAccessor)
	if !ok {
		return nil
	}
	meta, _ := owner.GetObjectMeta().(*metav1.ObjectMeta)
	return meta
}

// RunsToCompletion reports whether the pods terminate on their own: a variable that a
// container reads once at its start was current then, and need not follow a rotation.
func (t *Target) RunsToCompletion() bool {
	switch t.Kind {
	case "Job", "CronJob":
		return true
	}
	return t.Spec.RestartPolicy == corev1.RestartPolicyNever || t.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
}
