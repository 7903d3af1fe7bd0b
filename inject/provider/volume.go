package provider

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// ClassName is the class that a secrets-store volume names; ok is false for other volumes.
func ClassName(v *corev1.Volume) (name string, ok bool) {
	if v.CSI == nil || v.CSI.Driver != DriverName {
		return "", false
	}
	return v.CSI.VolumeAttributes[AttributeClass], true
}

// ClassNames are the classes that the secrets-store volumes of a pod name, each once.
func ClassNames(spec *corev1.PodSpec) []string {
	var names []string
	for i := range spec.Volumes {
		if name, ok := ClassName(&spec.Volumes[i]); ok && name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
