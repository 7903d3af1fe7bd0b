package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/workload"
)

const rollout = `{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"web"%s},"spec":{"strategy":{"canary":{}},"template":{
	"metadata":{"annotations":{%s}},
	"spec":{"serviceAccountName":"web","containers":[{"name":"app","image":"app","volumeMounts":[{"name":"secrets","mountPath":"/s"%s}]}],
	"volumes":[{"name":"secrets","csi":{"driver":"secrets-store.csi.k8s.io","readOnly":true,"volumeAttributes":{"secretProviderClass":"legacy"}}}]}}}}`

// The template of a workload that the server was told of is checked as a Deployment's is, and an update is refused for
// what it brings alone.
func TestExtraWorkload(t *testing.T) {
	extra, problem := workload.ParseExtra("rollouts.v1alpha1.argoproj.io=spec.template")
	if problem.Found() {
		t.Fatal(problem)
	}
	cl := newCluster(append(inPlace(), legacyClass())...)
	a := cl.admission()
	a.extra = []workload.Extra{extra}
	handler := a.ValidateWorkload()
	object := func(of ...any) json.RawMessage {
		text := rollout
		for _, part := range of {
			text = strings.Replace(text, "%s", part.(string), 1)
		}
		return json.RawMessage(text)
	}
	review := func(now, before json.RawMessage) *admissionv1.AdmissionResponse {
		r := reviewOf(now)
		r.Request.Kind = metav1.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}
		r.Request.Resource = metav1.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"}
		r.Request.Name = "web"
		if before != nil {
			r.Request.Operation, r.Request.OldObject.Raw = "UPDATE", before
		}
		return answerOf(t, handler, r)
	}
	fine := object("", "", `,"readOnly":true`)
	subPath := object("", "", `,"readOnly":true,"subPath":"DB-Password"`)
	if got := review(fine, nil); !got.Allowed || len(got.Warnings) > 0 {
		t.Errorf("a fine one: %+v", got)
	}
	got := review(subPath, nil)
	if got.Allowed || got.Result.Details.Causes[0].Field != "spec.template.spec.containers[0].volumeMounts[0].subPath" ||
		!strings.HasPrefix(got.Result.Message, `Rollout "web" is refused:`) {
		t.Errorf("a subPath: %+v", got.Result)
	}
	if got := review(object(`,"labels":{"a":"b"}`, "", `,"readOnly":true,"subPath":"DB-Password"`), subPath); !got.Allowed || len(got.Warnings) == 0 {
		t.Errorf("an update that brings nothing: %+v", got)
	}
	if got := review(object(`,"annotations":{"azure.keyvault.injector/objects":"a"}`, "", `,"readOnly":true`), nil); got.Allowed {
		t.Error("an annotation on the Rollout itself is let through")
	}
	for name, text := range map[string]string{
		"by reference": `{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"web"},"spec":{"workloadRef":{"name":"x"}}}`,
		"no pod":       `{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"web"},"spec":{"template":{"spec":{"containers":[{"name":1}]}}}}`,
	} {
		if got := review(json.RawMessage(text), nil); !got.Allowed {
			t.Errorf("%s: %+v", name, got.Result)
		}
	}
}
