package webhook

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
)

// decodePod reads the pod out of a request. What it refuses is told as a verdict:
// asking again would give the same.
func decodePod(req *admissionv1.AdmissionRequest) (*corev1.Pod, error) {
	if req.Resource.Group != "" || req.Resource.Resource != "pods" {
		return nil, fmt.Errorf("request.resource is %q, expected pods: the webhook configuration sends what akv-injector does not know",
			line(strings.Trim(req.Resource.Group+"/"+req.Resource.Resource, "/"), maxName))
	}
	if req.Kind.Group != "" || req.Kind.Version != "v1" || req.Kind.Kind != "Pod" {
		return nil, fmt.Errorf("request.kind is %q, expected Pod of v1", line(req.Kind.String(), maxName))
	}
	if req.Namespace == "" {
		return nil, fmt.Errorf("request.namespace is empty, but pods live in namespaces")
	}
	if len(req.Object.Raw) == 0 || string(req.Object.Raw) == "null" {
		return nil, fmt.Errorf("request.object is empty, expected a Pod")
	}

	pod := &corev1.Pod{}
	// Unknown fields are a newer API server's. Of a duplicate field we might see
	// another one than the API server does, so the patch would not fit.
	duplicates, err := kjson.UnmarshalStrict(req.Object.Raw, pod, kjson.DisallowDuplicateFields)
	if err != nil {
		return nil, fmt.Errorf("request.object is not a Pod in JSON: %s", line(err.Error(), maxDetail))
	}
	if len(duplicates) > 0 {
		return nil, fmt.Errorf("request.object is ambiguous: %s", line(duplicates[0].Error(), maxDetail))
	}
	if pod.APIVersion != "v1" || pod.Kind != "Pod" {
		return nil, fmt.Errorf("request.object is apiVersion %q, kind %q; expected v1, Pod",
			line(pod.APIVersion, maxName), line(pod.Kind, maxName))
	}
	// A pod that a controller creates may leave its namespace to the request.
	pod.Namespace = req.Namespace
	return pod, nil
}

// podName is what a message calls the pod: one that a controller makes has no name
// yet, only the beginning of one.
func podName(req *admissionv1.AdmissionRequest, pod *corev1.Pod) string {
	name := req.Name
	if name == "" && pod != nil {
		name = pod.Name
		if name == "" {
			name = pod.GenerateName
		}
	}
	return line(name, maxName)
}
