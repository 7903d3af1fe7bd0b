package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"akv-injector/inject/finding"
)

// TargetOf is the pod in an object: a Pod itself, or the template of a  It is
// nil for an object of any other kind, and for one without a template.
//
// Kinds of other API groups (Argo Rollouts, Knative Services) are not among them: their
// pods are looked at when they are created.
func TargetOf(obj runtime.Object) *Target {
	switch o := obj.(type) {
	case *corev1.Pod:
		return PodTarget(o)
	case *appsv1.Deployment:
		return templateTarget("Deployment", &o.ObjectMeta, &o.Spec.Template)
	case *appsv1.StatefulSet:
		return templateTarget("StatefulSet", &o.ObjectMeta, &o.Spec.Template)
	case *appsv1.DaemonSet:
		return templateTarget("DaemonSet", &o.ObjectMeta, &o.Spec.Template)
	case *appsv1.ReplicaSet:
		return templateTarget("ReplicaSet", &o.ObjectMeta, &o.Spec.Template)
	case *corev1.ReplicationController:
		if o.Spec.Template == nil {
			return nil
		}
		return templateTarget("ReplicationController", &o.ObjectMeta, o.Spec.Template)
	case *batchv1.Job:
		return templateTarget("Job", &o.ObjectMeta, &o.Spec.Template)
	case *batchv1.CronJob:
		t := templateTarget("CronJob", &o.ObjectMeta, &o.Spec.JobTemplate.Spec.Template)
		t.Path = finding.At("spec", "jobTemplate", "spec", "template")
		return t
	}
	return nil
}

func templateTarget(kind string, owner *metav1.ObjectMeta, template *corev1.PodTemplateSpec) *Target {
	return &Target{
		Meta: &template.ObjectMeta, Spec: &template.Spec,
		Path: finding.At("spec", "template"), Template: true,
		Kind: kind, Owner: owner,
	}
}

// RunsToCompletion tells whether the pods end by themselves: a container of theirs that
// reads a variable once reads the one that was current.
func (t *Target) RunsToCompletion() bool {
	switch t.Kind {
	case "Job", "CronJob":
		return true
	}
	return t.Spec.RestartPolicy == corev1.RestartPolicyNever || t.Spec.RestartPolicy == corev1.RestartPolicyOnFailure
}
