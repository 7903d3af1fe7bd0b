package workload

import corev1 "k8s.io/api/core/v1"

// Finished reports whether all containers of the pod have terminated for good, so that it
// mounts nothing any more.
func Finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
