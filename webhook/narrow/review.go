package narrow

import (
	"reflect"
	"sync"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Limits of what is read: Kubernetes limits the bytes of an object, and reading can take a hundred times as many.
type Limits struct {
	// Elements is the most maps, lists and elements of lists of a pod, Fields the most fields and keys of maps. What is around
	// the pod has the same limits.
	Elements, Fields int
}

// Review reads the AdmissionReview of a pod, valid UTF-8. The raw objects in what it returns are parts of body.
//
// Before the pod is read, which takes many times the memory of its text, turn is called with the request's namespace; if it
// returns false, the pod is not read.
//
// It reports false if the review is about something else, if the pod goes beyond the limits, if it was not its turn, or if
// the API server's decoder has to decide what to make of it.
func Review(body []byte, limits Limits, turn func(namespace string) bool) (review *admissionv1.AdmissionReview, pod *corev1.Pod, ok bool) {
	d := newDecoder(body, limits)
	defer d.free()
	d.turn = turn
	review = &admissionv1.AdmissionReview{}
	if !d.value(reviewNode, reflect.ValueOf(review).Elem()) || !d.end() {
		return nil, nil, false
	}
	return review, d.pod, d.pod != nil
}

var decoders = sync.Pool{New: func() any { return &decoder{scratch: make([]scratch, scratches)} }}

func newDecoder(text []byte, limits Limits) *decoder {
	d, _ := decoders.Get().(*decoder)
	d.text, d.limits = text, limits
	return d
}

// free keeps the decoder's lists for the next one, and nothing that was read.
func (d *decoder) free() {
	clear(d.keys[:cap(d.keys)])
	*d = decoder{scratch: d.scratch, keys: d.keys[:0]}
	decoders.Put(d)
}

var (
	textNode = compile(reflect.TypeFor[string]())
	podNode  = compile(reflect.TypeFor[corev1.Pod]())
	// requestNode is that of the request in reviewNode, whose object is read as a pod.
	reviewNode, requestNode = compileReview()
)

func compileReview() (review, request *node) {
	review = compile(reflect.TypeFor[admissionv1.AdmissionReview]())
	request = review.field("request").node.element
	request.field("object").node = &node{kind: podObject}
	return review, request
}

var podKind = metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}

// object reads the object of a request, which must have said before that it is a pod, and where.
func (d *decoder) object() bool {
	if !d.request.IsValid() {
		return false
	}
	request, ok := reflect.TypeAssert[*admissionv1.AdmissionRequest](d.request.Addr())
	if !ok || request.Kind != podKind || request.Namespace == "" || d.pod != nil || !d.turn(request.Namespace) {
		return false
	}
	d.space()
	start := d.at
	pod := &corev1.Pod{}
	d.elements, d.fields = 0, 0
	if !d.peek('{') || !d.value(podNode, reflect.ValueOf(pod).Elem()) {
		return false
	}
	d.pod = pod
	d.elements, d.fields = 0, 0
	request.Object.Raw = d.text[start:d.at:d.at]
	return true
}
