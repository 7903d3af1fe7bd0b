package provider

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func volume(driver, class string) corev1.Volume {
	return corev1.Volume{VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
		Driver: driver, VolumeAttributes: map[string]string{AttributeClass: class},
	}}}
}

func TestClassNames(t *testing.T) {
	spec := corev1.PodSpec{Volumes: []corev1.Volume{
		volume(DriverName, "payments"), volume("file.csi.azure.com", "other"),
		{},
		volume(DriverName, ""),
		volume(DriverName, "payments"), volume(DriverName, "shared"),
	}}
	if got, want := ClassNames(&spec), []string{"payments", "shared"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
