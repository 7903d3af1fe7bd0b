package webhook

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

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
	// ofPods is set if pods alone are served there.
	ofPods bool
}

// handler is the HTTP side of one webhook. controller-runtime has one too
// (admission.Webhook), but that reports every failure as a verdict, which no
// failurePolicy can overrule.
func (a *Admission) handler(to route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{path: to.path, began: time.Now(), outcome: outcomeError}
		defer a.report(e)
		defer a.recoverPanic(w, e)

		if failure := a.serve(w, r, e, to); failure != nil {
			e.fail(w, failure.code, failure)
		}
	})
}

// serve answers a request, or returns why there is no answer.
func (a *Admission) serve(w http.ResponseWriter, r *http.Request, e *exchange, to route) *httpError {
	size, failure := checkHead(w, r)
	if failure != nil {
		return failure
	}
	ctx, cancel := requestContext(r.Context(), timeoutIn(r.URL))
	defer cancel()
	kept := size
	if size > maxBody {
		kept = startBytes
	}
	leave, failure := a.bodies.enter(ctx, remoteHost(r), kept)
	if failure != nil {
		return failure
	}
	defer leave()
	buffer := takeBuffer(kept)
	defer buffer.free()
	tooLarge, failure := buffer.read(w, r, size)
	if failure != nil {
		return failure
	}
	if tooLarge {
		return refuseUnread(w, e, buffer.bytes)
	}
	turn := &turn{queue: a.work, size: len(buffer.bytes)}
	defer turn.end()
	review, pod, failure := to.read(buffer.bytes, func(namespace string) bool { return turn.begin(ctx, namespace) })
	if failure != nil {
		return failure
	}
	e.request = review.Request
	if !turn.begin(ctx, review.Request.Namespace) {
		return turn.failure
	}
	v, err := a.answer(ctx, e, review.Request, pod, to)
	if err != nil {
		return &httpError{http.StatusInternalServerError, err.Error()}
	}
	return write(w, e, review.Request.UID, v)
}

// write writes a verdict.
func write(w http.ResponseWriter, e *exchange, uid types.UID, v verdict) *httpError {
	v.response.UID = uid
	buffer := takeBuffer(0)
	defer buffer.free()
	body, err := appendAnswer(buffer.bytes, v.response)
	if err != nil {
		return &httpError{http.StatusInternalServerError, fmt.Sprintf("writing the answer: %v", err)}
	}
	buffer.bytes = body
	e.verdict(v)
	w.Header()["Content-Type"] = inJSON
	// Without it a long answer is cut into chunks.
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the caller is gone; no one reads an error
	return nil
}

var inJSON = []string{"application/json"}

// refuseUnread refuses a request that is too large to be read, by the start of its body. It is
// a verdict: a failure would be a pass where failurePolicy is Ignore, and whoever may create
// an object can make it larger.
func refuseUnread(w http.ResponseWriter, e *exchange, start []byte) *httpError {
	uid, ok := uidIn(start)
	if !ok {
		return &httpError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody)}
	}
	return write(w, e, uid, refusedTooLarge(fmt.Sprintf("the request is larger than %d bytes, the most that is read. Fix: make the object smaller; "+
		"a < in it counts six times, as it is written in JSON.", maxBody)))
}

// remoteHost is who sends the request.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// answer passes over requests that are not for us and lets the judge decide on the rest. The
// webhook configurations should not even send the former. The pod is the request's, if it was read with it.
func (a *Admission) answer(ctx context.Context, e *exchange, req *admissionv1.AdmissionRequest, pod *corev1.Pod, to route) (verdict, error) {
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
		before, tooComplex := to.kinds.decodeOld(req)
		if before == nil && (!tooComplex || req.Operation == admissionv1.Delete) {
			// What is stored cannot be fixed by refusing what replaces it.
			return skipped(reasonUnreadableOld), nil
		}
		// Of one that is too complex to be read, what replaces it is judged as if it were new.
		if before != nil {
			c.before, e.object = before, before
		}
	}
	if req.Operation != admissionv1.Delete && !deleting(c.before) {
		if pod == nil {
			if problem := complexityOf(req.Object.Raw).problem(); problem != "" {
				return refusedTooLarge("the object " + problem + ". Fix: make it smaller."), nil
			}
		}
		now, err := to.kinds.decodeNew(req, pod)
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

// timeoutIn is the timeout that a request names.
func timeoutIn(u *url.URL) string {
	if timeout, alone := strings.CutPrefix(u.RawQuery, "timeout="); alone && !strings.ContainsAny(timeout, "&;%+") {
		return timeout // as the API server writes it
	}
	return u.Query().Get("timeout")
}

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
