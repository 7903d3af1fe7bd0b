package controller

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// IndexClasses is the field index of the cached pods by the classes that they mount,
// generated or not. Finished pods are not in it.
const IndexClasses = "classes"

// CacheOptions are what a cache needs so that a cluster of 100,000 pods stays
// affordable. Options for other kinds can be added to ByObject.
//
// Of pods it has those with the label of injected ones. Others that mount classes are found by the driver's
// records of their mounts, and by live lists (LivePods), where it matters; all is set where that is not enough.
//
// Classes have no entry there, but the default transform: a cache with one for a kind that the API server does
// not know cannot be made, and the class CRD may come later than we do.
func CacheOptions(all bool) cache.Options {
	injected := labels.SelectorFromSet(labels.Set{annotation.LabelInjected: "true"})
	if all {
		injected = labels.Everything()
	}
	return cache.Options{
		DefaultTransform: transform,
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Pod{}: {
				Label: injected,
				// A pod that leaves the selection arrives as a deletion.
				Field: fields.AndSelectors(
					fields.OneTermNotEqualSelector("status.phase", string(corev1.PodSucceeded)),
					fields.OneTermNotEqualSelector("status.phase", string(corev1.PodFailed)),
				),
				Transform: PodTransform,
			},
		},
	}
}

// IndexPods adds IndexClasses to the cache. Setup does it too: call this only for a
// cache that Setup does not get.
func IndexPods(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &corev1.Pod{}, IndexClasses, indexClasses)
}

func indexClasses(obj client.Object) []string {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return nil
	}
	if workload.Finished(pod) {
		return nil
	}
	return provider.ClassNames(&pod.Spec)
}

// PodTransform leaves of a pod what this package and package refresh read: who it is, whether it
// has finished, where it runs, the classes and intervals of its secrets-store volumes, and, where
// one of these is generated, the status annotation. It makes a new pod instead of emptying the
// given one, which may be an element of a long list that must not stay in memory.
func PodTransform(obj any) (any, error) {
	full, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	return slimPod(full), nil
}

func slimPod(full *corev1.Pod) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:         full.Namespace,
			Name:              full.Name,
			UID:               full.UID,
			ResourceVersion:   full.ResourceVersion,
			DeletionTimestamp: full.DeletionTimestamp,
		},
		Status: corev1.PodStatus{Phase: full.Status.Phase},
	}
	for i := range full.Spec.Volumes {
		if name, ok := provider.ClassName(&full.Spec.Volumes[i]); ok && name != "" {
			interval := full.Spec.Volumes[i].CSI.VolumeAttributes[provider.AttributeInterval]
			pod.Spec.Volumes = append(pod.Spec.Volumes, classVolume(full.Spec.Volumes[i].Name, name, interval))
			pod.Spec.NodeName = full.Spec.NodeName
		}
	}
	keepGate(pod, full)
	switch status, ok := full.Annotations[annotation.Status]; {
	case !ok || len(usedClasses(pod)) == 0:
	case len(status) > maxStatus:
		pod.Annotations = map[string]string{annotation.CachedContent: annotation.ContentLeftOut}
	default:
		pod.Annotations = map[string]string{annotation.Status: status}
	}
	share(pod)
	return pod
}

// keepGate leaves the readiness gate of a pod, and whether it is open, for package mounted.
func keepGate(pod, full *corev1.Pod) {
	gate := corev1.PodReadinessGate{ConditionType: annotation.ConditionMounted}
	if !slices.Contains(full.Spec.ReadinessGates, gate) {
		return
	}
	pod.Spec.ReadinessGates = []corev1.PodReadinessGate{gate}
	for i := range full.Status.Conditions {
		if c := &full.Status.Conditions[i]; c.Type == annotation.ConditionMounted {
			pod.Status.Conditions = []corev1.PodCondition{{Type: c.Type, Status: c.Status}}
		}
	}
}

// maxStatus is the longest status annotation that is kept: about that of 100 objects. A longer
// one is read from the API server when a class has to be restored from it. Whoever may update
// pods can write a quarter of a megabyte there.
const maxStatus = 16 << 10

// maxInterval is longer than any interval that is meant.
const maxInterval = 32

func classVolume(volume, class, interval string) corev1.Volume {
	attributes := map[string]string{provider.AttributeClass: class}
	if interval != "" && len(interval) <= maxInterval {
		attributes[provider.AttributeInterval] = interval
	}
	return corev1.Volume{
		Name: volume,
		VolumeSource: corev1.VolumeSource{
			CSI: &corev1.CSIVolumeSource{
				Driver:           provider.DriverName,
				VolumeAttributes: attributes,
			},
		},
	}
}
