package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/finding"
)

// Origin is who created a pod. A pod that a controller created is not refused for a
// volume that was written by hand. The place to refuse it was its template: a pod that
// ran before must be able to start again after its node is drained.
type Origin int

const (
	// FromUser is a pod that a user created directly, or a template.
	FromUser Origin = iota
	// FromController is a pod with a controller reference, created by a service account.
	FromController
	// FromBuiltinController is the same, created by one of the cluster's own controllers,
	// whose identity other users cannot have.
	FromBuiltinController
)

// Target is the pod, or the template of pods, that a decision is about.
type Target struct {
	// Meta and Spec of the pod. They are never changed.
	Meta *metav1.ObjectMeta
	Spec *corev1.PodSpec
	// Path to the pod in its object: nil for a Pod, spec.template for a Deployment.
	Path *finding.Place
	// Kind of the object: Pod, or a workload's, such as Deployment.
	Kind string
	// Owner is the metadata of the workload around a template; nil for a Pod.
	Owner *metav1.ObjectMeta
	// Between is the metadata that stands between the workload's own and its template's, where no
	// pod gets it: a CronJob's jobTemplate has some.
	Between []Between
	// Replicas is how many pods a workload is written to have all the time; 0 for one that says nothing of it, like a
	// DaemonSet or a Job.
	Replicas int
	// Template is set if pods are created from Meta and Spec later.
	Template bool
	Origin   Origin
	// Mutating is set while other webhooks may still change the pod, and add containers
	// that its annotations name.
	Mutating bool
	// Admitted is set after every mutating webhook has run, the identity webhook too:
	// no webhook adds a missing part any more.
	Admitted bool

	// specOnly is set if Path is that of the spec itself, which has no metadata beside it.
	specOnly bool
}

// Between is metadata with its place.
type Between struct {
	Place *finding.Place
	Meta  *metav1.ObjectMeta
}

// ReplicasPlace is the place of a workload's number of pods.
func ReplicasPlace() *finding.Place { return finding.At("spec", "replicas") }

// PodTarget is the target of a pod that a user created.
func PodTarget(pod *corev1.Pod) *Target {
	return &Target{Meta: &pod.ObjectMeta, Spec: &pod.Spec, Kind: "Pod"}
}

// Namespace is the name of the namespace that the object says it is in, or "".
func (t *Target) Namespace() string {
	if t.Meta.Namespace == "" && t.Owner != nil {
		return t.Owner.Namespace
	}
	return t.Meta.Namespace
}

// MetaPath is the place of the pod's metadata.
func (t *Target) MetaPath() *finding.Place {
	if t.Path == nil {
		return podMeta
	}
	return t.Path.Child("metadata")
}

// Places of a pod that is an object of its own, which every admission needs.
var (
	podMeta        = finding.At("metadata")
	podAnnotations = podMeta.Child("annotations")
	podLabels      = podMeta.Child("labels")
	podSpec        = finding.At("spec")
)

// AnnotationsPath is the place of the pod's annotations.
func (t *Target) AnnotationsPath() *finding.Place {
	if t.Path == nil {
		return podAnnotations
	}
	return t.MetaPath().Child("annotations")
}

// LabelsPath is the place of the pod's labels.
func (t *Target) LabelsPath() *finding.Place {
	if t.Path == nil {
		return podLabels
	}
	return t.MetaPath().Child("labels")
}

// SpecPath is the place of the pod's spec.
func (t *Target) SpecPath() *finding.Place {
	if t.specOnly {
		return t.Path
	}
	if t.Path == nil {
		return podSpec
	}
	return t.Path.Child("spec")
}

// AnnotationPath is the place of one of the pod's annotations.
func (t *Target) AnnotationPath(key string) *finding.Place {
	return t.AnnotationsPath().Key(key)
}

// Windows reports whether the pod runs on Windows nodes.
//
// Most of them say so by a node selector alone. The pod's own os is what the API server judges it by, so it
// counts first; a pod that may run on either is taken for one of Linux.
func (t *Target) Windows() bool {
	if t.Spec.OS != nil {
		return t.Spec.OS.Name == corev1.Windows
	}
	for _, label := range osLabels {
		if os, ok := t.Spec.NodeSelector[label]; ok {
			return os == string(corev1.Windows)
		}
	}
	return requiresWindows(t.Spec.Affinity)
}

var osLabels = []string{corev1.LabelOSStable, "beta.kubernetes.io/os"}

// requiresWindows reports whether each of the terms, of which a node must match one, is of Windows nodes only.
func requiresWindows(a *corev1.Affinity) bool {
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return false
	}
	terms := a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	for i := range terms {
		if !slices.ContainsFunc(terms[i].MatchExpressions, isWindowsOnly) {
			return false
		}
	}
	return len(terms) > 0
}

func isWindowsOnly(r corev1.NodeSelectorRequirement) bool {
	return slices.Contains(osLabels, r.Key) && r.Operator == corev1.NodeSelectorOpIn &&
		len(r.Values) == 1 && r.Values[0] == string(corev1.Windows)
}

// annotationMirror is the annotation that the kubelet sets on the mirror pod of a static pod.
const annotationMirror = "kubernetes.io/config.mirror"

// Mirror reports whether this is a mirror pod, the API server's copy of a static pod,
// which cannot use service accounts, and whose refusal has no effect.
func Mirror(meta *metav1.ObjectMeta) bool {
	_, ok := meta.Annotations[annotationMirror]
	return ok
}
