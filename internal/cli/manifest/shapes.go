package manifest

import (
	"encoding/json"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// checkShapes compares the pods in an object of a kind that is not known with the types of Kubernetes: what
// only looks like a pod, because a field of its volumes, mounts or metadata has a wrong value, is told like
// such a value in a Deployment. Fields that these do not have are kept for Unknown. The rest of a template is
// the kind's own affair: it may well have fields that a pod does not have.
func (o *Object) checkShapes() (wrong []mistyped) {
	if !o.Concerns() {
		return nil
	}
	pods, misfits := o.Pods()
	var whole any
	if err := json.Unmarshal(o.JSON, &whole); err != nil {
		return nil
	}
	check := func(t reflect.Type, at *finding.Place) {
		c := &fieldCheck{}
		c.check(t, valueAt(whole, at), at, nil)
		for _, m := range c.mistyped {
			if ofKubernetes(at, m.place) {
				wrong = append(wrong, m)
			}
		}
		for _, u := range c.unknown {
			if ofKubernetes(at, u.Place) {
				o.unknown = append(o.unknown, u)
			}
		}
	}
	for i := range pods {
		switch pod := &pods[i]; {
		case pod.Apart:
			check(reflect.TypeFor[[]corev1.Volume](), pod.At)
			for _, at := range pod.Containers() {
				check(reflect.TypeFor[[]corev1.VolumeMount](), at.Child("volumeMounts"))
			}
		case pod.Bare():
			check(reflect.TypeFor[corev1.PodSpec](), pod.At)
		default:
			check(reflect.TypeFor[corev1.PodTemplateSpec](), pod.At)
		}
	}
	for _, m := range misfits {
		check(typeOf(m), m.At)
	}
	return wrong
}

func typeOf(m workload.Misfit) reflect.Type {
	switch m.Looks {
	case workload.LikeSpec:
		return reflect.TypeFor[corev1.PodSpec]()
	case workload.LikeVolumes:
		return reflect.TypeFor[[]corev1.Volume]()
	case workload.LikeContainer:
		return reflect.TypeFor[corev1.Container]()
	default:
		return reflect.TypeFor[corev1.PodTemplateSpec]()
	}
}

// ofKubernetes reports whether a place is in the part of a template that other kinds take from Kubernetes as it is.
func ofKubernetes(pod, place *finding.Place) bool {
	base := len(pod.Steps())
	if last := pod.Last().Name; last == "volumes" || last == "volumeMounts" {
		return true
	}
	steps := place.Steps()[base:]
	if len(steps) > 1 && steps[0].Name == "metadata" {
		return true
	}
	// The last step is the field itself: beside volumes a kind may have what it likes.
	return slices.ContainsFunc(steps[:max(0, len(steps)-1)], func(s finding.Step) bool {
		return s.Name == "volumes" || s.Name == "volumeMounts" || s.Name == "env" || s.Name == "envFrom"
	})
}

// valueAt is what stands at a place, or nil.
func valueAt(value any, place *finding.Place) any {
	for _, step := range place.Steps() {
		switch v := value.(type) {
		case map[string]any:
			value = v[step.Name]
		case []any:
			if step.Kind != finding.Element || step.Index >= len(v) {
				return nil
			}
			value = v[step.Index]
		default:
			return nil
		}
	}
	return value
}
