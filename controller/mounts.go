package controller

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// namedClasses are the classes that a pod's volumes name, as far as their names are of
// generated form.
func namedClasses(pod *corev1.Pod) []string {
	return slices.DeleteFunc(provider.ClassNames(&pod.Spec), func(name string) bool { return !provider.Generated(name) })
}

// usedClasses are the named classes of a pod that has not finished: afterwards it
// mounts nothing any more.
func usedClasses(pod *corev1.Pod) []string {
	if workload.Finished(pod) {
		return nil
	}
	return namedClasses(pod)
}
