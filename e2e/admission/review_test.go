package admission_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
)

// reviewOf wraps a pod's JSON in what the API server sends.
func reviewOf(namespace, pod string) string {
	return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1",` +
		`"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},` +
		`"namespace":"` + namespace + `","operation":"CREATE","dryRun":true,"userInfo":{"username":"somebody"},"object":` + pod + `}}`
}

// post sends a body to a replica, past the API server.
func (s *system) post(t *testing.T, client *http.Client, path string, body io.Reader) (status int, text string) {
	t.Helper()
	url := "https://" + s.Injector.Replicas()[0].Address() + path
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// verdictOn is the answer to a pod, which has to be one.
func (s *system) verdictOn(t *testing.T, client *http.Client, path, review string) *admissionv1.AdmissionResponse {
	t.Helper()
	status, body := s.post(t, client, path, strings.NewReader(review))
	if status != http.StatusOK {
		t.Fatalf("HTTP %d: %s; want a verdict", status, body)
	}
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Response == nil {
		t.Fatalf("no verdict, %v: %s", err, body)
	}
	if answer.Response.UID != "u-1" {
		t.Errorf("the answer is for %q", answer.Response.UID)
	}
	return answer.Response
}

// podWith is an asking pod's JSON with these annotations.
func podWith(t *testing.T, settings map[string]string) string {
	t.Helper()
	return string(mustJSON(t, annotated(askingPod("asking"), settings).Object))
}

// many is a list of n distinct objects.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "object-%d\n", i)
	}
	return b.String()
}
