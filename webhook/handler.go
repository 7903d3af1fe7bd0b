package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject"
)

// judge answers for a pod whose creation is asked for. Its error is a failure.
type judge func(ctx context.Context, req *admissionv1.AdmissionRequest, pod *corev1.Pod) (verdict, error)

// handler is the HTTP side of one webhook. controller-runtime has one too
// (admission.Webhook), but that tells every failure as a verdict, which no
// failurePolicy can overrule.
func (a *Admission) handler(path string, judge judge) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{path: path, began: time.Now(), outcome: outcomeError}
		defer a.report(e)
		defer a.recoverPanic(w, e)

		request, failure := readBody(w, r)
		if failure != nil {
			e.fail(w, failure.code, failure)
			return
		}
		ctx, cancel := requestContext(r.Context(), r.URL.Query().Get("timeout"))
		defer cancel()
		leave, failure := a.room.enter(ctx, len(request))
		if failure != nil {
			e.fail(w, failure.code, failure)
			return
		}
		defer leave()
		review, failure := decodeReview(request)
		if failure != nil {
			e.fail(w, failure.code, failure)
			return
		}
		e.request = review.Request

		v, err := a.answer(ctx, e, review.Request, judge)
		if err != nil {
			e.fail(w, http.StatusInternalServerError, err)
			return
		}

		v.response.UID = review.Request.UID
		body, err := json.Marshal(&admissionv1.AdmissionReview{
			TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
			Response: v.response,
		})
		if err != nil {
			e.fail(w, http.StatusInternalServerError, fmt.Errorf("writing the answer: %w", err))
			return
		}
		e.verdict(v)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // the caller is gone; nobody is left to be told
	})
}

// answer leaves alone what is none of ours and lets judge decide on the rest. The
// webhook configurations should not even send the former.
func (a *Admission) answer(ctx context.Context, e *exchange, req *admissionv1.AdmissionRequest, judge judge) (verdict, error) {
	switch {
	case req.Operation != admissionv1.Create, req.SubResource != "":
		return skipped(reasonNotCreate), nil
	case a.ownUser != "" && req.UserInfo.Username == a.ownUser:
		return skipped(reasonOwnRequest), nil
	}
	pod, err := decodePod(req)
	if err != nil {
		return refusedUnreadable(req, err), nil
	}
	e.pod = pod
	if inject.Mirror(&pod.ObjectMeta) {
		return skipped(reasonMirrorPod), nil
	}
	return judge(ctx, req, pod)
}

const (
	// defaultTimeout is the API server's for webhooks that name none, maxTimeout the
	// longest that it accepts.
	defaultTimeout = 10 * time.Second
	maxTimeout     = 30 * time.Second
)

// requestContext ends shortly before the API server stops waiting (it says when, in
// the query), so that a slow lookup is told in our words and not as "context
// deadline exceeded".
//
// It does not end with the server's own context: at shutdown, requests that are
// under way are to be finished, lookups and all.
func requestContext(server context.Context, told string) (context.Context, context.CancelFunc) {
	timeout := defaultTimeout
	if d, err := time.ParseDuration(told); err == nil && d > 0 {
		timeout = min(d, maxTimeout)
	}
	timeout -= min(timeout/10, 500*time.Millisecond)
	return context.WithTimeout(context.WithoutCancel(server), timeout)
}

// recoverPanic turns a panic into a failure, so that failurePolicy decides. The
// stack is logged; the panic's text only where it is the runtime's own, since any
// other may quote the pod.
func (a *Admission) recoverPanic(w http.ResponseWriter, e *exchange) {
	p := recover()
	if p == nil {
		return
	}
	what := fmt.Sprintf("%T", p)
	if err, ok := p.(runtime.Error); ok {
		what = err.Error()
	}
	e.stack = string(debug.Stack())
	e.fail(w, http.StatusInternalServerError, fmt.Errorf("internal error in akv-injector (%s); its log has the stack", what))
}
