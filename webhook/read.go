package webhook

import (
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"akv-injector/webhook/narrow"
)

// read reads the AdmissionReview in a body. That of a pod is read in one pass, with what rules read of the pod;
// any other, and one that narrow does not understand, as the API server does. turn is called before the pod is read.
func (to *route) read(body []byte, turn func(namespace string) bool) (review *admissionv1.AdmissionReview, pod *corev1.Pod, failure *httpError) {
	if to.ofPods {
		if review, pod, ok := narrow.Review(body, narrow.Limits{Elements: maxElements, Fields: maxFields}, turn); ok {
			compareReadings(body, review, pod)
			return review, pod, checkReview(review)
		}
	}
	review, failure = decodeReview(body)
	return review, nil, failure
}
