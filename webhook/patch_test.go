package webhook

import (
	"encoding/json"
	"testing"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func csi(source corev1.CSIVolumeSource) corev1.Volume {
	return corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{CSI: &source}}
}

func TestMarshalPatch(t *testing.T) {
	operations := []jsonpatch.Operation{
		jsonpatch.NewOperation("add", "/metadata/annotations/a~1b", `<"é`+"\u2028\n"),
		jsonpatch.NewOperation("add", "/spec/volumes/-", corev1.Volume{Name: "a", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: resource.NewQuantity(1<<30, resource.BinarySI)}}}),
		jsonpatch.NewOperation("add", "/spec/x", nil),
		jsonpatch.NewOperation("replace", "/spec/x", map[string]string{"b": "1", "a": "2"}),
		{Operation: "remove", Path: "/spec/imagePullSecrets"},
		jsonpatch.NewOperation("add", "/spec/volumes/-", csi(corev1.CSIVolumeSource{Driver: "d", ReadOnly: new(true), VolumeAttributes: map[string]string{"b": "<", "a": "2"}})),
		jsonpatch.NewOperation("add", "/spec/volumes/-", csi(corev1.CSIVolumeSource{Driver: "d", ReadOnly: new(true)})),
		jsonpatch.NewOperation("add", "/spec/volumes/-", csi(corev1.CSIVolumeSource{Driver: "d", ReadOnly: new(false)})),
		jsonpatch.NewOperation("add", "/spec/volumes/-", csi(corev1.CSIVolumeSource{Driver: "d"})),
		jsonpatch.NewOperation("add", "/spec/volumes/-", csi(corev1.CSIVolumeSource{Driver: "d", ReadOnly: new(true), FSType: new("x")})),
		jsonpatch.NewOperation("add", "/spec/volumes/-", csi(corev1.CSIVolumeSource{Driver: "d", ReadOnly: new(true), NodePublishSecretRef: &corev1.LocalObjectReference{Name: "s"}})),
		jsonpatch.NewOperation("add", "/m", []any{corev1.VolumeMount{Name: "a", MountPath: "/x", ReadOnly: true}, corev1.VolumeMount{Name: "a", SubPath: "/x"}, corev1.VolumeMount{}}),
		jsonpatch.NewOperation("add", "/m", corev1.VolumeMount{Name: "a", MountPath: "/x", RecursiveReadOnly: new(corev1.RecursiveReadOnlyEnabled)}),
		jsonpatch.NewOperation("add", "/e", []any{corev1.EnvVar{Name: "a", Value: "b"}, corev1.EnvVar{Name: "a"}, corev1.EnvVar{ValueFrom: &corev1.EnvVarSource{}}}),
		jsonpatch.NewOperation("add", "/e", []any{}), jsonpatch.NewOperation("add", "/e", []any(nil)), jsonpatch.NewOperation("add", "/e", map[string]string(nil)),
		jsonpatch.NewOperation("add", "/spec/y", []any{true, 1, nil}),
	}
	for n := range len(operations) + 1 {
		want, err := json.Marshal(append([]jsonpatch.Operation{}, operations[:n]...))
		if err != nil {
			t.Fatal(err)
		}
		got, err := marshalPatch(operations[:n])
		if err != nil || string(got) != string(want) {
			t.Errorf("%v\n%s, want\n%s", err, got, want)
		}
	}
	if _, err := marshalPatch([]jsonpatch.Operation{jsonpatch.NewOperation("add", "/a", func() {})}); err == nil {
		t.Error("what JSON has no form for is written")
	}
}
