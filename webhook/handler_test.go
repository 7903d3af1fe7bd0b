package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/annotation"
)

func TestBadTransport(t *testing.T) {
	good := func(t *testing.T) []byte { t.Helper(); return marshal(t, reviewOf(raw(t, asking()))) }
	body := func(s string) func(*testing.T) []byte { return func(*testing.T) []byte { return []byte(s) } }
	cases := map[string]struct {
		method      string
		contentType string
		body        func(*testing.T) []byte
		code        int
		says        string
	}{
		"GET":                   {method: http.MethodGet, body: good, code: 405, says: "POST"},
		"text":                  {contentType: "text/plain", body: good, code: 415, says: "application/json"},
		"no content type":       {contentType: "-", body: good, code: 415, says: "application/json"},
		"charset is fine":       {contentType: "application/json; charset=utf-8", body: good, code: 200},
		"empty":                 {body: body(""), code: 400, says: "empty"},
		"not JSON":              {body: body("pod: yes"), code: 400, says: "not an AdmissionReview in JSON"},
		"cut off":               {body: func(t *testing.T) []byte { t.Helper(); return good(t)[:80] }, code: 400, says: "JSON"},
		"not UTF-8":             {body: body("{\"kind\":\"\xff\"}"), code: 400, says: "UTF-8"},
		"null":                  {body: body("null"), code: 400, says: "AdmissionReview"},
		"a list":                {body: body("[]"), code: 400, says: "AdmissionReview"},
		"other kind":            {body: body(`{"apiVersion":"v1","kind":"Pod"}`), code: 400, says: `kind "Pod"`},
		"other version":         {body: body(`{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"a"}}`), code: 400, says: "v1beta1"},
		"no request":            {body: body(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`), code: 400, says: "no request"},
		"null request":          {body: body(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}`), code: 400, says: "no request"},
		"no uid":                {body: body(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}`), code: 400, says: "uid"},
		"request of wrong type": {body: body(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":7}`), code: 400, says: "JSON"},
		"keys in another case":  {body: body(`{"APIVERSION":"admission.k8s.io/v1","KIND":"AdmissionReview"}`), code: 400, says: "apiVersion"},
		"terminal escapes":      {body: body("{\"apiVersion\":\"\\u001b[31mred\",\"kind\":\"x\"}"), code: 400, says: "[31mred"},
		"10 MiB":                {body: func(*testing.T) []byte { return bytes.Repeat([]byte("a"), 10<<20) }, code: 413, says: "larger"},
		"deeply nested":         {body: body(strings.Repeat("[", 1<<20)), code: 400, says: "JSON"},
		"annotation not UTF-8": {body: func(t *testing.T) []byte {
			t.Helper()
			return bytes.Replace(good(t), []byte("DB-Password"), []byte("\xc3("), 1)
		}, code: 400, says: "UTF-8"},
		"the largest, in spaces": {body: func(t *testing.T) []byte {
			t.Helper()
			g := good(t)
			return append(g, bytes.Repeat([]byte(" "), maxBody-len(g))...)
		}, code: 200},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(inPlace()...)
			a := cl.admission()
			for path, handler := range map[string]http.Handler{MutatePath: a.Mutate(), ValidatePath: a.Validate()} {
				method, contentType := c.method, c.contentType
				if method == "" {
					method = http.MethodPost
				}
				r := httptest.NewRequest(method, path, bytes.NewReader(c.body(t)))
				switch contentType {
				case "":
					r.Header.Set("Content-Type", "application/json")
				case "-":
				default:
					r.Header.Set("Content-Type", contentType)
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != c.code {
					t.Errorf("%s: HTTP %d, want %d: %s", path, w.Code, c.code, w.Body)
				}
				if !strings.Contains(w.Body.String(), c.says) {
					t.Errorf("%s: %q does not say %q", path, w.Body, c.says)
				}
				if strings.ContainsRune(w.Body.String(), '\x1b') {
					t.Errorf("%s: control character in %q", path, w.Body)
				}
			}
		})
	}
}

// A bad object is a verdict: the API server would get the same if it asked again.
func TestBadObject(t *testing.T) {
	pod := func(s string) func(*admissionv1.AdmissionRequest) {
		return func(r *admissionv1.AdmissionRequest) { r.Object.Raw = []byte(s) }
	}
	cases := map[string]struct {
		change func(*admissionv1.AdmissionRequest)
		says   string
	}{
		"other resource":     {func(r *admissionv1.AdmissionRequest) { r.Resource.Resource = "secrets" }, `"secrets", expected pods`},
		"other kind":         {func(r *admissionv1.AdmissionRequest) { r.Kind.Kind = "Deployment" }, "expected Pod"},
		"no namespace":       {func(r *admissionv1.AdmissionRequest) { r.Namespace = "" }, "request.namespace is empty"},
		"no object":          {func(r *admissionv1.AdmissionRequest) { r.Object.Raw = nil }, "request.object is empty"},
		"object says other":  {pod(`{"apiVersion":"apps/v1","kind":"Deployment"}`), `kind "Deployment"`},
		"wrong type inside":  {pod(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":"app"}}`), "not a Pod in JSON"},
		"annotations a list": {pod(`{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":["a"]}}`), "not a Pod in JSON"},
		"a string":           {pod(`"pod"`), "not a Pod in JSON"},
		"a field twice":      {pod(`{"apiVersion":"v1","kind":"Pod","spec":{},"spec":{}}`), "ambiguous"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := newCluster(inPlace()...).admission()
			review := reviewOf(raw(t, asking()))
			review.Request.Name = "web-1"
			c.change(review.Request)
			for _, handler := range []http.Handler{a.Mutate(), a.Validate()} {
				answer := answerOf(t, handler, review)
				if answer.Allowed || answer.Result == nil || answer.Result.Code != http.StatusBadRequest {
					t.Fatalf("want a refusal with code 400, got %+v", answer)
				}
				for _, says := range []string{c.says, `"web-1"`} {
					if !strings.Contains(answer.Result.Message, says) {
						t.Errorf("%q does not say %q", answer.Result.Message, says)
					}
				}
			}
		})
	}
}

func TestSkips(t *testing.T) {
	cases := map[string]struct {
		change  func(*admissionv1.AdmissionRequest)
		objects func(*cluster)
	}{
		"update":      {change: func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Update }},
		"delete":      {change: func(r *admissionv1.AdmissionRequest) { r.Operation, r.Object.Raw = admissionv1.Delete, nil }},
		"subresource": {change: func(r *admissionv1.AdmissionRequest) { r.SubResource = "status" }},
		"our own":     {change: func(r *admissionv1.AdmissionRequest) { r.UserInfo.Username = "system:serviceaccount:s:akv" }},
		"mirror pod": {change: func(r *admissionv1.AdmissionRequest) {
			r.Object.Raw = bytes.Replace(r.Object.Raw, []byte(`"annotations":{`), []byte(`"annotations":{"kubernetes.io/config.mirror":"x",`), 1)
		}},
		"not opted in": {objects: func(c *cluster) {
			ns := namespace(nil)
			ns.Labels = nil
			c.cached.items, c.live.items = nil, append(inPlace()[1:], ns)
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(inPlace()...)
			cl.ownUser = "system:serviceaccount:s:akv"
			if c.objects != nil {
				c.objects(cl)
			}
			a := cl.admission()
			review := reviewOf(raw(t, asking()))
			if c.change != nil {
				c.change(review.Request)
			}
			for _, handler := range []http.Handler{a.Mutate(), a.Validate()} {
				answer := answerOf(t, handler, review)
				if !answer.Allowed || len(answer.Patch) > 0 || len(answer.Warnings) > 0 || len(answer.AuditAnnotations) > 0 {
					t.Errorf("want it let through untouched, got %+v", answer)
				}
			}
			if len(cl.ensured) > 0 {
				t.Errorf("wrote %v", cl.ensured)
			}
		})
	}
}

func TestPanicIsAFailure(t *testing.T) {
	cases := map[string]struct {
		panics func()
		logged string
	}{
		"runtime error": {func() { s := strings.Fields("a b"); _ = s[len(s)] }, "index out of range"},
		"with content":  {func() { panic("the pod's secret is hunter2") }, "(string)"},
		"error":         {func() { panic(errors.New("hunter2")) }, "errors.errorString"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(inPlace()...)
			handler := cl.admission().handler(route{path: "/x", kinds: pods(), operations: onCreate, judge: func(context.Context, *change) (verdict, error) {
				c.panics()
				return verdict{}, nil
			}})
			w := post(handler, "/x", marshal(t, reviewOf(raw(t, asking()))))
			if w.Code != http.StatusInternalServerError {
				t.Errorf("HTTP %d, want 500", w.Code)
			}
			logged := cl.logs.all()
			if !strings.Contains(logged, c.logged) || !strings.Contains(logged, "handler_test.go") {
				t.Errorf("want %q and the stack in the log:\n%s", c.logged, logged)
			}
			if strings.Contains(logged+w.Body.String(), "hunter2") {
				t.Errorf("the panic's text came out:\n%s\n%s", logged, w.Body)
			}
		})
	}
}

// Requests under way are finished when the server's context ends, and lookups give
// up before the API server does.
func TestRequestContext(t *testing.T) {
	cases := map[string]struct {
		told string
		want time.Duration
	}{
		"told":       {"5s", 4500 * time.Millisecond},
		"short":      {"1s", 900 * time.Millisecond},
		"too long":   {"10h", 29500 * time.Millisecond},
		"not told":   {"", 9500 * time.Millisecond},
		"nonsense":   {"soon", 9500 * time.Millisecond},
		"not at all": {"-1s", 9500 * time.Millisecond},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			ctx, done := requestContext(ended, c.told)
			defer done()
			if ctx.Err() != nil {
				t.Fatal("the request ended with the server's context")
			}
			deadline, _ := ctx.Deadline()
			if left := time.Until(deadline); left > c.want || left < c.want-time.Second {
				t.Errorf("%s left, want %s", left, c.want)
			}
		})
	}
}

// The pod that a user makes up can be as large as the API server lets it be.
func TestAbsurdPods(t *testing.T) {
	var many strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&many, "secret-%d\n", i)
	}
	cases := map[string]*corev1.Pod{
		"10,000 objects":          withAnnotation(asking(), annotation.Objects, many.String()),
		"10,000 bad objects":      withAnnotation(asking(), annotation.Objects, strings.ReplaceAll(many.String(), "-", "_")),
		"control characters":      withAnnotation(asking(), annotation.Objects, "a\x00b,\x1b[31mred"),
		"replacement characters":  withAnnotation(asking(), annotation.Objects, "a\ufffdb"),
		"absurd interval":         withAnnotation(asking(), annotation.RotationPollInterval, "9999999999999h"),
		"negative interval":       withAnnotation(asking(), annotation.RotationPollInterval, "-1s"),
		"interval of words":       withAnnotation(asking(), annotation.RotationPollInterval, "now and then"),
		"unknown annotation":      withAnnotation(asking(), annotation.Prefix+strings.Repeat("x", 60), ""),
		"YAML that expands":       withAnnotation(asking(), annotation.Objects, "array:\n- &a [x,x,x,x,x,x,x,x]\n- &b [*a,*a,*a,*a,*a,*a,*a,*a]\n- [*b,*b,*b,*b,*b,*b,*b]"),
		"service account of dots": withAnnotation(asking(), annotation.ServiceAccount, "../../secrets"),
		"status of somebody else": withAnnotation(asking(), annotation.Status, strings.Repeat("{", 1000)),
		"no containers": func() *corev1.Pod {
			pod := asking()
			pod.Spec.Containers = nil
			return pod
		}(),
		"account that cannot be": func() *corev1.Pod {
			pod := asking()
			pod.Spec.ServiceAccountName = "../x"
			return pod
		}(),
		"volumes of 1,000 classes": func() *corev1.Pod {
			pod := handWritten(t, "{name: secrets, mountPath: /s}")
			for i := range 1000 {
				v := *pod.Spec.Volumes[0].DeepCopy()
				v.Name = fmt.Sprintf("v%d", i)
				v.CSI.VolumeAttributes["secretProviderClass"] = v.Name
				pod.Spec.Volumes = append(pod.Spec.Volumes, v)
			}
			return pod
		}(),
	}
	for name, pod := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(inPlace()...)
			a := cl.admission()
			for path, handler := range map[string]http.Handler{MutatePath: a.Mutate(), ValidatePath: a.Validate()} {
				w := post(handler, path, marshal(t, reviewOf(raw(t, pod))))
				if w.Code != http.StatusOK {
					t.Errorf("%s: HTTP %d", path, w.Code)
				}
				// etcd keeps events with the message in them, and every warning is a header.
				const most = 128 << 10
				if w.Body.Len() > most && !bytes.Contains(w.Body.Bytes(), []byte(`"patch":`)) {
					t.Errorf("%s: an answer of %d bytes", path, w.Body.Len())
				}
				if strings.Contains(w.Body.String(), `\u001b`) || strings.Contains(w.Body.String(), `\u0000`) {
					t.Errorf("%s: control characters in %.300s", path, w.Body)
				}
			}
			// Two looks at 200 objects at most, and the namespace.
			if gets := cl.live.gets; gets > 420 {
				t.Errorf("%d live reads", gets)
			}
			if strings.Contains(cl.logs.all(), "panic") {
				t.Error(cl.logs.all())
			}
		})
	}
}

func TestNewIsRegistered(t *testing.T) {
	mux := registrar{}
	newCluster().admission().Register(mux)
	for _, path := range []string{"/mutate-v1-pod", "/validate-v1-pod", "/validate-v1-workload", "/validate-v1-secretproviderclass"} {
		if mux[path] == nil {
			t.Errorf("nothing serves %s", path)
		}
	}
}

type registrar map[string]http.Handler

func (r registrar) Register(path string, handler http.Handler) { r[path] = handler }
