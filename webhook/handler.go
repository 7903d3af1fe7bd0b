package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/workload"
)

// change is a request whose objects have been read.
type change struct {
	req *admissionv1.AdmissionRequest
	// now is what is to be stored, nil at a deletion; before is what is stored, nil at a
	// creation.
	now, before *object
}

// dryRun reports whether nothing will be stored.
func (c *change) dryRun() bool { return c.req.DryRun != nil && *c.req.DryRun }

// judge answers for a change. Its error is a failure.
type judge func(ctx context.Context, c *change) (verdict, error)

// route is a path, what is served there, and who answers.
type route struct {
	path       string
	kinds      kinds
	operations []admissionv1.Operation
	judge      judge
}

// handler is the HTTP side of one webhook. controller-runtime has one too
// (admission.Webhook), but that reports every failure as a verdict, which no
// failurePolicy can overrule.
func (a *Admission) handler(to route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{path: to.path, began: time.Now(), outcome: outcomeError}
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

		v, err := a.answer(ctx, e, review.Request, to)
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
		_, _ = w.Write(body) // the caller is gone; no one reads an error
	})
}

// answer passes over requests that are not for us and lets the judge decide on the rest. The
// webhook configurations should not even send the former.
func (a *Admission) answer(ctx context.Context, e *exchange, req *admissionv1.AdmissionRequest, to route) (verdict, error) {
	switch {
	case !slices.Contains(to.operations, req.Operation), req.SubResource != "":
		return skipped(reasonOperation), nil
	case a.ownUser != "" && req.UserInfo.Username == a.ownUser:
		return skipped(reasonOwnRequest), nil
	}
	if _, err := to.kinds.of(req); err != nil {
		return refusedUnreadable(req, err), nil
	}
	c := &change{req: req}
	if req.Operation != admissionv1.Create {
		before := to.kinds.decodeOld(req)
		if before == nil {
			// What is stored cannot be fixed by refusing what replaces it.
			return skipped(reasonUnreadableOld), nil
		}
		c.before, e.object = before, before
	}
	if req.Operation != admissionv1.Delete && !deleting(c.before) {
		now, err := to.kinds.decodeNew(req)
		if err != nil {
			return refusedUnreadable(req, err), nil
		}
		c.now, e.object = now, now
	}
	switch {
	case deleting(c.before), deleting(c.now):
		// Whoever takes finalizers off must not be stopped.
		return skipped(reasonDeleting), nil
	case mirror(e.object):
		return skipped(reasonMirrorPod), nil
	}
	return to.judge(ctx, c)
}

// mirror reports whether a pod is the API server's image of a static pod.
func mirror(o *object) bool {
	pod := o.pod()
	return pod != nil && workload.Mirror(&pod.ObjectMeta)
}

func deleting(o *object) bool { return o != nil && o.GetDeletionTimestamp() != nil }

const (
	// defaultTimeout is the API server's for webhooks that name none, maxTimeout the
	// longest that it accepts.
	defaultTimeout = 10 * time.Second
	maxTimeout     = 30 * time.Second
)

// requestContext ends shortly before the API server stops waiting (it says when, in
// the query), so that a slow lookup is reported in our words and not as "context
// deadline exceeded".
//
// It does not end with the server's own context: at shutdown, requests that are
// under way are to be finished, lookups and all.
func requestContext(server context.Context, query string) (context.Context, context.CancelFunc) {
	timeout := defaultTimeout
	if d, err := time.ParseDuration(query); err == nil && d > 0 {
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
