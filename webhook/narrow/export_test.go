package narrow

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
)

// Pod reads a pod by itself.
func Pod(raw []byte) (*corev1.Pod, bool) {
	d := newDecoder(raw, Limits{Elements: 1 << 30, Fields: 1 << 30})
	defer d.free()
	pod := &corev1.Pod{}
	return pod, d.value(podNode, reflect.ValueOf(pod).Elem()) && d.end()
}
