package webhook

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
	"unicode/utf8"

	admissionv1 "k8s.io/api/admission/v1"
	kjson "sigs.k8s.io/json"
)

// maxBody is what the API server can send at most: the object and the old object
// with up to 3 MiB each, and less than 1 MiB around them.
const maxBody = 7 << 20

// bodyDeadline is how long a body may take to arrive. The API server waits 30 s
// for a whole call at most; no other caller has a reason to be slow.
const bodyDeadline = 30 * time.Second

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
	// Keys by their exact case, as the API server itself reads JSON.
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body, review); err != nil {
		return nil, badRequest("the body is not an AdmissionReview in JSON: %s", line(err.Error(), maxDetail))
	}
	if review.APIVersion != admissionv1.SchemeGroupVersion.String() || review.Kind != "AdmissionReview" {
		return nil, badRequest("the body is apiVersion %q, kind %q; expected %q, %q",
			line(review.APIVersion, maxName), line(review.Kind, maxName),
			admissionv1.SchemeGroupVersion, "AdmissionReview")
	}
	if review.Request == nil {
		return nil, badRequest("the AdmissionReview has no request")
	}
	if review.Request.UID == "" {
		return nil, badRequest("the AdmissionReview's request has no uid, so no answer could be matched to it")
	}
	return review, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *httpError) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &httpError{
			http.StatusMethodNotAllowed,
			"send the AdmissionReview with POST, not " + line(r.Method, maxName),
		}
	}
	contentType := r.Header.Get("Content-Type")
	if mediaType, _, err := mime.ParseMediaType(contentType); err != nil || mediaType != "application/json" {
		return nil, &httpError{
			http.StatusUnsupportedMediaType,
			fmt.Sprintf("Content-Type is %q; expected application/json", line(contentType, maxName)),
		}
	}
	// A caller that sends its body in drops would hold a connection and memory for as
	// long as it likes. Not every ResponseWriter can have a deadline; those of the
	// server can.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyDeadline))

	tooLarge := &httpError{
		http.StatusRequestEntityTooLarge,
		fmt.Sprintf("the body is larger than %d bytes", maxBody),
	}
	// Who says so beforehand, as the API server does, costs no memory.
	if r.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, badRequest("the body could not be read: %s", line(err.Error(), maxDetail))
	}
	if len(body) == 0 {
		return nil, badRequest("the body is empty; expected an AdmissionReview")
	}
	// JSON decoders put U+FFFD in the place of broken bytes. What we would then decide
	// on is not what was sent.
	if !utf8.Valid(body) {
		return nil, badRequest("the body is not valid UTF-8")
	}
	return body, nil
}
