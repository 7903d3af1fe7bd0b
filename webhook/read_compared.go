//go:build compare

package webhook

import (
	"reflect"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"akv-injector/internal/testing/narrowed"
)

// compareReadings reads again as the API server does, and panics if that gives something else.
func compareReadings(body []byte, review *admissionv1.AdmissionReview, pod *corev1.Pod) {
	whole, failure := decodeReview(body)
	if failure != nil && checkReview(review) == nil {
		panic("what was read at once cannot be read: " + failure.message)
	}
	if failure != nil {
		return
	}
	object := &corev1.Pod{}
	if duplicates, err := decodeStrictly(whole.Request.Object.Raw, object); err != nil || len(duplicates) > 0 {
		panic("the pod that was read at once cannot be read")
	}
	narrowed.Clear(whole)
	narrowed.Clear(object)
	if !reflect.DeepEqual(review, whole) || !reflect.DeepEqual(pod, object) {
		panic("what was read at once is something else")
	}
}
