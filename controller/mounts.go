package controller

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject"
)

// attributeClass is the key under which a volume names its class (driver 1.6.0,
// pkg/secrets-store/nodeserver.go).
const attributeClass = "secretProviderClass"

// mountedClass is the class that a volume names, or "" for any other volume.
func mountedClass(volume *corev1.Volume) string {
	if volume.CSI == nil || volume.CSI.Driver != inject.DriverName {
		return ""
	}
	return volume.CSI.VolumeAttributes[attributeClass]
}

// mountedClasses are the classes that a pod's volumes name, each once.
func mountedClasses(pod *corev1.Pod) []string {
	var names []string
	for i := range pod.Spec.Volumes {
		if name := mountedClass(&pod.Spec.Volumes[i]); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// namedClasses are those among them whose names are of generated form.
func namedClasses(pod *corev1.Pod) []string {
	return slices.DeleteFunc(mountedClasses(pod), func(name string) bool { return !inject.Generated(name) })
}

// usedClasses are the named classes of a pod that has not finished: afterwards it
// mounts nothing any more.
func usedClasses(pod *corev1.Pod) []string {
	if finished(pod) {
		return nil
	}
	return namedClasses(pod)
}

func finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
