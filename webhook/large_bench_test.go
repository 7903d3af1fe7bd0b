package webhook

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// BenchmarkLargeBody is a pod of which each character takes six in JSON.
func BenchmarkLargeBody(b *testing.B) {
	pod := asking()
	pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PAD", Value: strings.Repeat("<", 900_000)}}
	a := newCluster(inPlace()...).admission()
	body := marshal(b, reviewOf(raw(b, pod)))
	handler := a.Mutate()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		post(handler, MutatePath, body)
	}
}
