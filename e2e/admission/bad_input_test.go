package admission_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unicode"

	admissionv1 "k8s.io/api/admission/v1"

	"akv-injector/e2e/injector"
)

var paths = []string{"/mutate-v1-pod", "/validate-v1-pod"}

// Whatever reaches the port, the program answers it in words and lives on.
func TestBadInput(t *testing.T) {
	needProc(t)
	t.Parallel()
	s := own(t, installed())
	namespace := s.namespace(t)
	client := s.httpClient(t)
	replica := s.Injector.Replicas()[0]
	t.Cleanup(func() {
		select {
		case <-replica.Process().Exited():
			t.Error(replica.Process().Failure())
		default:
		}
	})

	// What is no review gets an HTTP error, so that failurePolicy decides.
	good := reviewOf(namespace, podWith(t, nil))
	for name, test := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"empty":                     {"", http.StatusBadRequest, "the body is empty"},
		"no JSON":                   {"{", http.StatusBadRequest, "not an AdmissionReview in JSON"},
		"a list":                    {"[]", http.StatusBadRequest, "not an AdmissionReview in JSON"},
		"null":                      {"null", http.StatusBadRequest, `kind ""`},
		"another kind":              {strings.Replace(good, `"AdmissionReview"`, `"ConversionReview"`, 1), http.StatusBadRequest, `kind "ConversionReview"`},
		"an older version":          {strings.Replace(good, "admission.k8s.io/v1", "admission.k8s.io/v1beta1", 1), http.StatusBadRequest, "v1beta1"},
		"without a request":         {`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, http.StatusBadRequest, "has no request"},
		"without a uid":             {strings.Replace(good, `"uid":"u-1",`, "", 1), http.StatusBadRequest, "no uid"},
		"invalid UTF-8":             {strings.Replace(good, "DB-Password", "\xff\xfe", 1), http.StatusBadRequest, "not valid UTF-8"},
		"a hundred braces":          {strings.Repeat("[", 100_000), http.StatusBadRequest, "not an AdmissionReview in JSON"},
		"ten megabytes, and no uid": {strings.Replace(good, `"uid":"u-1",`, "", 1) + strings.Repeat(" ", 10<<20), http.StatusRequestEntityTooLarge, "larger than"},
	} {
		for _, path := range paths {
			status, body := s.post(t, client, path, strings.NewReader(test.body))
			if status != test.status || !strings.Contains(body, test.want) || !strings.HasPrefix(body, "akv-injector: ") {
				t.Errorf("%s to %s: HTTP %d: %.300s\nwant HTTP %d that says %q", name, path, status, body, test.status, test.want)
			}
		}
	}

	// What is no pod, or a bad one, gets a verdict.
	for name, test := range map[string]struct {
		review string
		code   int32
		want   string
	}{
		"ten megabytes":         {good + strings.Repeat(" ", 10<<20), 413, "larger than"},
		"ten megabytes of pod":  {strings.Replace(good, "DB-Password", strings.Repeat("a", 10<<20), 1), 413, "larger than"},
		"no object":             {reviewOf(namespace, "null"), 400, "object is empty"},
		"a pod that is a list":  {reviewOf(namespace, "[]"), 400, "not a Pod in JSON"},
		"a field of its type":   {reviewOf(namespace, `{"apiVersion":"v1","kind":"Pod","spec":{"containers":"all"}}`), 400, "not a Pod in JSON"},
		"a field twice":         {reviewOf(namespace, `{"apiVersion":"v1","kind":"Pod","spec":{},"spec":{}}`), 400, "ambiguous"},
		"no pod":                {reviewOf(namespace, `{"apiVersion":"v1","kind":"Secret"}`), 400, `kind "Secret"`},
		"a resource of others":  {strings.Replace(good, `"resource":"pods"`, `"resource":"secrets"`, 1), 400, "expected pods"},
		"no namespace":          {reviewOf("", podWith(t, nil)), 400, "namespace is empty"},
		"10,000 objects":        {reviewOf(namespace, podWith(t, map[string]string{"objects": many(10_000)})), 422, "objects"},
		"200,000 objects":       {reviewOf(namespace, podWith(t, map[string]string{"objects": many(200_000)})), 422, "metadata.annotations: Too long"},
		"a file above":          {reviewOf(namespace, podWith(t, map[string]string{"objects": "../../etc/passwd=a"})), 422, ".."},
		"a file in the middle":  {reviewOf(namespace, podWith(t, map[string]string{"objects": "a/../../b=a"})), 422, ".."},
		"a vault above":         {reviewOf(namespace, podWith(t, map[string]string{"vault": "../../x"})), 422, "vault"},
		"a class above":         {reviewOf(namespace, podWith(t, map[string]string{"secret-provider-class": "../secrets/a"})), 422, "secret-provider-class"},
		"an account above":      {reviewOf(namespace, podWith(t, map[string]string{"service-account": "../default"})), 422, "service-account"},
		"a path above":          {reviewOf(namespace, podWith(t, map[string]string{"mount-path": "/mnt/../etc"})), 422, "mount-path"},
		"control characters":    {reviewOf(namespace, podWith(t, map[string]string{"objects": "a\x1b[31mred\x00\u202e"})), 422, "objects"},
		"a newline in a vault":  {reviewOf(namespace, podWith(t, map[string]string{"vault": "a\nX-Injected: yes"})), 422, "vault"},
		"an interval of years":  {reviewOf(namespace, podWith(t, map[string]string{"rotation-poll-interval": "9999999999999h"})), 422, "rotation-poll-interval"},
		"an interval backwards": {reviewOf(namespace, podWith(t, map[string]string{"rotation-poll-interval": "-5m"})), 422, "at least 10s"},
		"an interval of none":   {reviewOf(namespace, podWith(t, map[string]string{"rotation-poll-interval": "1ns"})), 422, "AKV005"},
		"an alias bomb":         {reviewOf(namespace, podWith(t, map[string]string{"objects": aliasBomb()})), 422, "objects"},
		"a deep list":           {reviewOf(namespace, podWith(t, map[string]string{"objects": "array: " + strings.Repeat("[", 50_000)})), 422, "objects"},
	} {
		for _, path := range paths {
			t.Run(name+" to "+path, func(t *testing.T) {
				before := processorTime(t, replica)
				answer := s.verdictOn(t, client, path, test.review)
				if took := processorTime(t, replica) - before; took > verdictLimit {
					t.Errorf("took %s of a processor", took)
				}
				if answer.Allowed || answer.Result.Code != test.code || !strings.Contains(answer.Result.Message, test.want) {
					t.Errorf("allowed %t, %.500v; want code %d that says %q", answer.Allowed, answer.Result, test.code, test.want)
				}
				wantPlain(t, answer)
			})
		}
	}

	if ready, answer := replica.Ready(t.Context()); !ready {
		t.Errorf("not ready any more: %s", answer)
	}
	if a := s.mustAdmit(t, request{namespace: namespace, pod: askingPod("after")}); a.pod.GetLabels()["azure.keyvault.injector/injected"] != "true" {
		t.Error("afterwards a good pod is not injected")
	}
	t.Run("memory", func(t *testing.T) { s.wantBounded(t, client, replica) })
}

// wantPlain wants an answer that is small, and that any reader can print.
func wantPlain(t *testing.T, answer *admissionv1.AdmissionResponse) {
	t.Helper()
	for _, text := range append([]string{answer.Result.Message}, answer.Warnings...) {
		wantPrintable(t, text)
	}
	if size := len(mustJSON(t, answer)); size > 256<<10 {
		t.Errorf("the answer has %d bytes", size)
	}
}

// aliasBomb is YAML of a few hundred bytes that stands for 10^9 strings.
func aliasBomb() string {
	var b strings.Builder
	b.WriteString("array:\n- &a0 x\n")
	for i := range 9 {
		fmt.Fprintf(&b, "- &a%d [%s]\n", i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	return b.String()
}

// wantPrintable wants nothing that a terminal or an HTTP header would stumble over.
func wantPrintable(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("the answer has %U: %.300q", r, text)
			return
		}
	}
}

// wantBounded sends many large bodies, some at a time, and wants the most memory that
// the program ever had not to follow their size.
func (s *system) wantBounded(t *testing.T, client *http.Client, replica *injector.Replica) {
	t.Helper()
	const (
		bodies  = 200
		atOnce  = 16
		size    = 10 << 20
		allowed = 300 // MiB: 16 times the limit of a body, and what the collector has not come to
	)
	before := peakMemory(t, replica)
	body := bytes.Repeat([]byte(" "), size)
	slots := make(chan struct{}, atOnce)
	url := "https://" + replica.Address() + paths[0]
	var sending sync.WaitGroup
	var answered atomic.Int32
	for i := range bodies {
		slots <- struct{}{}
		sending.Go(func() {
			defer func() { <-slots }()
			// Half of them do not say beforehand how long they are.
			var reader io.Reader = bytes.NewReader(body)
			if i%2 == 1 {
				reader = struct{ *bytes.Buffer }{bytes.NewBuffer(body)}
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, reader)
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("Content-Type", "application/json")
			response, err := client.Do(request)
			// Who goes on sending after the answer may find the connection closed before
			// it has read that. It is a refusal anyway.
			if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			answered.Add(1)
			if response.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("HTTP %d, want %d", response.StatusCode, http.StatusRequestEntityTooLarge)
			}
		})
	}
	sending.Wait()
	if answered.Load() == 0 {
		t.Error("not one of them was answered")
	}
	grown := peakMemory(t, replica) - before
	t.Logf("%d bodies of %d MiB: from %d MiB to %d MiB more at most", bodies, size>>20, before, grown)
	if grown > allowed {
		t.Errorf("the memory grew by %d MiB, want at most %d", grown, allowed)
	}
}
