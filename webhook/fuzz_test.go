package webhook

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"

	"akv-injector/inject/annotation"
)

// FuzzHandler posts any body, and a pod with any annotation. Nothing may panic. A pod that is patched is posted
// again as the API server would have written it: the patch applies to that, gives a
// pod, and that one gets no patch any more.
func FuzzHandler(f *testing.F) {
	whole := func(pod *corev1.Pod) []byte { return marshal(f, reviewOf(raw(f, pod))) }
	f.Add(whole(asking()), annotation.Objects, "array:\n- |\n  objectName: a\n  objectType: key\n")
	f.Add(whole(handWritten(f, "{name: secrets, mountPath: /s, subPath: a}")), annotation.Objects+".shared-kv", "tls.pem=cert/frontend # x")
	f.Add([]byte("{}"), annotation.Containers, "app")
	f.Add([]byte("{}"), annotation.Env, "A=DB-Password")
	f.Add([]byte("{}"), annotation.ServiceAccount, "default")
	f.Add([]byte("{}"), annotation.MountPath, "/mnt/x")
	f.Add([]byte("{}"), annotation.RotationPollInterval, "30s")
	f.Add([]byte("{}"), annotation.SecretProviderClass, "legacy")
	f.Add([]byte("{}"), annotation.Status, `{"version":"x","containers":["app"]}`)
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"a","operation":"CREATE","namespace":"shop",`+
		`"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"object":{"apiVersion":"v1","kind":"Pod",`+
		`"metadata":{"annotations":{"azure.keyvault.injector/objects":"a"}},"spec":{"containers":[null],"volumes":null}}}}`), annotation.Allow, "AKV001")

	cl := newCluster(append(inPlace(), legacyClass())...)
	a := cl.admission()
	f.Fuzz(func(t *testing.T, body []byte, key, value string) {
		cl.logs.lines, cl.ensured = nil, nil
		for _, body := range [][]byte{body, marshal(t, reviewOf(raw(t, withAnnotation(asking(), key, value))))} {
			for path, handler := range map[string]http.Handler{MutatePath: a.Mutate(), ValidatePath: a.Validate()} {
				checkAnswer(t, cl, a, path, post(handler, path, body), body)
			}
		}
	})
}

// FuzzWrites posts any object in the place of a workload or a class, as what is stored and
// as what is to be. Nothing may panic, an update of an object to itself and a deletion are
// never refused, and no answer has a patch.
func FuzzWrites(f *testing.F) {
	all := append(workloads(), classKinds()...)
	for i, k := range workloads() {
		f.Add(i, raw(f, workloadOf(f, k, asking())), raw(f, workloadOf(f, k, handWritten(f, unsafeMount))))
	}
	f.Add(len(all)-1, []byte(`{"apiVersion":"secrets-store.csi.x-k8s.io/v1","kind":"SecretProviderClass","spec":{"provider":"azure","parameters":{"objects":"array:\n- a"}}}`), []byte(`{}`))
	f.Add(0, []byte(`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":[null]}}}}`), []byte(`null`))
	f.Add(4, []byte(`{"apiVersion":"v1","kind":"ReplicationController","spec":{}}`), []byte(`{"apiVersion":"v1","kind":"ReplicationController","spec":{"template":{}}}`))

	cl := newCluster(append(inPlace(), legacyClass())...)
	a := cl.admission()
	f.Fuzz(func(t *testing.T, which int, one, other []byte) {
		cl.logs.lines = nil
		// The API server sends JSON, and no object that is none.
		if which < 0 || which >= len(all) || !json.Valid(one) || !json.Valid(other) {
			return
		}
		handler, path := a.ValidateWorkload(), ValidateWorkloadPath
		if which == len(all)-1 {
			handler, path = a.ValidateClass(), ValidateClassPath
		}
		for name, c := range map[string]struct{ now, before []byte }{
			"created": {now: one}, "updated": {now: one, before: other}, "unchanged": {one, one}, "deleted": {before: one},
		} {
			review := changeOf(t, all[which], nil, nil)
			review.Request.Object.Raw, review.Request.OldObject.Raw = c.now, c.before
			switch {
			case c.before == nil:
				review.Request.Operation = admissionv1.Create
			case c.now != nil:
				review.Request.Operation = admissionv1.Update
			}
			w := post(handler, path, marshal(t, review))
			if strings.Contains(cl.logs.all(), "panicked") {
				t.Fatalf("%s: %s", name, cl.logs.all())
			}
			if w.Code != http.StatusOK {
				continue
			}
			answer := &admissionv1.AdmissionReview{}
			if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil || answer.Response == nil {
				t.Fatalf("%s: not an answer: %v: %s", name, err, w.Body)
			}
			if len(answer.Response.Patch) > 0 {
				t.Errorf("%s: a patch: %s", name, answer.Response.Patch)
			}
			if !answer.Response.Allowed && (name == "unchanged" || name == "deleted") {
				t.Errorf("%s: refused: %s", name, answer.Response.Result.Message)
			}
			for _, warning := range answer.Response.Warnings {
				if line(warning, maxWarning) != warning {
					t.Errorf("%s: not a warning's line: %q", name, warning)
				}
			}
		}
	})
}

func checkAnswer(t *testing.T, cl *cluster, a *Admission, path string, w *httptest.ResponseRecorder, body []byte) {
	t.Helper()
	if strings.Contains(cl.logs.all(), "panicked") {
		t.Fatalf("%s: %s", path, cl.logs.all())
	}
	if w.Code != http.StatusOK {
		return
	}
	answer := &admissionv1.AdmissionReview{}
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil || answer.Response == nil {
		t.Fatalf("%s: not an answer: %v: %s", path, err, w.Body)
	}
	for _, warning := range answer.Response.Warnings {
		if line(warning, maxWarning) != warning {
			t.Errorf("%s: not a warning's line: %q", path, warning)
		}
	}
	if len(answer.Response.Patch) > 0 {
		checkPatch(t, a, body)
	}
}

func checkPatch(t *testing.T, a *Admission, body []byte) {
	t.Helper()
	review := &admissionv1.AdmissionReview{}
	pod := &corev1.Pod{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body, review); err != nil {
		t.Fatal(err)
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(review.Request.Object.Raw, pod); err != nil {
		t.Fatal(err)
	}
	review.Request.Object.Raw = raw(t, pod)
	answer := answerOf(t, a.Mutate(), review)
	patched := &corev1.Pod{}
	if err := json.Unmarshal(applied(t, review.Request.Object.Raw, answer), patched); err != nil {
		t.Fatal(err)
	}
	if pod.Name != patched.Name || pod.GenerateName != patched.GenerateName || len(pod.Spec.Containers) != len(patched.Spec.Containers) {
		t.Fatalf("patched into another pod:\n%+v", patched)
	}
	review.Request.Object.Raw = raw(t, patched)
	if again := answerOf(t, a.Mutate(), review); !again.Allowed || len(again.Patch) > 0 {
		t.Fatalf("not the same the second time: %s %+v\npod: %s", again.Patch, again.Result, review.Request.Object.Raw)
	}
}
