package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/types"
)

// maxBody is the most that is read. etcd stores objects of up to 1.5 MiB, and a review has the
// object and the old one. Larger ones come of characters that JSON writes as six bytes.
const maxBody = 4 << 20

// bodyDeadline is how long a body may take to arrive, once there is room for it. The API
// server has it in memory, and no other caller has a reason to be slow.
const bodyDeadline = 10 * time.Second

// startBytes of a body that is too large are read: the API server writes the uid first.
const startBytes = 4 << 10

// maxDrained is how much more of it is received, and thrown away. The API server takes 3 MiB
// from a client, which are 18 at most in JSON, twice in an update.
const maxDrained = 40 << 20

// httpError is a failure with the HTTP status that reports it.
type httpError struct {
	code    int
	message string
}

func (e *httpError) Error() string { return e.message }

func badRequest(format string, args ...any) *httpError {
	return &httpError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// decodeReview reads the AdmissionReview out of the body. What it returns
// has a request in it.
func decodeReview(body []byte) (*admissionv1.AdmissionReview, *httpError) {
	review := &admissionv1.AdmissionReview{}
	if err := decode(body, review); err != nil {
		return nil, badRequest("the body is not an AdmissionReview in JSON: %s", line(err.Error(), maxDetail))
	}
	return review, checkReview(review)
}

// checkReview checks that it is one, and that it can be answered.
func checkReview(review *admissionv1.AdmissionReview) *httpError {
	if review.APIVersion != reviewVersion || review.Kind != reviewKind {
		return badRequest("the body is apiVersion %q, kind %q; expected %q, %q",
			line(review.APIVersion, maxName), line(review.Kind, maxName), reviewVersion, reviewKind)
	}
	if review.Request == nil {
		return badRequest("the AdmissionReview has no request")
	}
	if review.Request.UID == "" {
		return badRequest("the AdmissionReview's request has no uid, so no answer could be matched to it")
	}
	return nil
}

// What a review says that it is.
const (
	reviewVersion = "admission.k8s.io/v1"
	reviewKind    = "AdmissionReview"
)

// checkHead checks what a request says before its body, and returns the body's size. Of one
// without a Content-Length that is the largest: the API server sends one.
func checkHead(w http.ResponseWriter, r *http.Request) (size int, failure *httpError) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return 0, &httpError{
			http.StatusMethodNotAllowed,
			"send the AdmissionReview with POST, not " + line(r.Method, maxName),
		}
	}
	contentType := r.Header.Get("Content-Type")
	if mediaType, _, err := mime.ParseMediaType(contentType); err != nil || mediaType != "application/json" {
		return 0, &httpError{
			http.StatusUnsupportedMediaType,
			fmt.Sprintf("Content-Type is %q; expected application/json", line(contentType, maxName)),
		}
	}
	if r.ContentLength < 0 {
		return maxBody, nil
	}
	return int(min(r.ContentLength, maxBody+1)), nil
}

// uidIn finds the uid of a request by the start of its review.
func uidIn(start []byte) (types.UID, bool) {
	decoder := json.NewDecoder(bytes.NewReader(start))
	if !enterMap(decoder) || !seekKey(decoder, "request") || !enterMap(decoder) || !seekKey(decoder, "uid") {
		return "", false
	}
	uid, err := decoder.Token()
	text, ok := uid.(string)
	return types.UID(line(text, maxName)), err == nil && ok && text != ""
}

func enterMap(decoder *json.Decoder) bool {
	t, err := decoder.Token()
	return err == nil && t == json.Delim('{')
}

// seekKey reads a map up to the value of a key.
func seekKey(decoder *json.Decoder, key string) bool {
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return false
		}
		if name == key {
			return true
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return false
		}
	}
	return false
}
