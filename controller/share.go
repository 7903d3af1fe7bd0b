package controller

import (
	"crypto/sha256"
	"encoding/json"
	"runtime"
	"sync"
	"weak"

	corev1 "k8s.io/api/core/v1"
)

// shape is what the cached pods of a workload have in common: most of what is kept of them.
type shape struct {
	Volumes     []corev1.Volume
	Annotations map[string]string
}

type shapeSum = [sha256.Size]byte

// shapes are those that some cached pod has.
var shapes = struct {
	sync.Mutex
	known map[shapeSum]weak.Pointer[shape]
}{known: map[shapeSum]weak.Pointer[shape]{}}

// share lets a pod that is to be cached have the one copy of its shape. That is known as long as one of its pods is there:
// each holds it until it is garbage itself.
func share(pod *corev1.Pod) {
	if len(pod.Spec.Volumes) == 0 && len(pod.Annotations) == 0 {
		return
	}
	mine := &shape{Volumes: pod.Spec.Volumes, Annotations: pod.Annotations}
	text, err := json.Marshal(mine)
	if err != nil {
		return // it has its own
	}
	sum := sha256.Sum256(text)
	shapes.Lock()
	defer shapes.Unlock()
	one := shapes.known[sum].Value()
	if one == nil {
		one = mine
		shapes.known[sum] = weak.Make(one)
		runtime.AddCleanup(one, forgetShape, sum)
	}
	pod.Spec.Volumes, pod.Annotations = one.Volumes, one.Annotations
	runtime.AddCleanup(pod, func(*shape) {}, one)
}

func forgetShape(sum shapeSum) {
	shapes.Lock()
	defer shapes.Unlock()
	if shapes.known[sum].Value() == nil {
		delete(shapes.known, sum)
	}
}
