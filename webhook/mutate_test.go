package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
)

func TestMutateInjects(t *testing.T) {
	cl := newCluster(inPlace()...)
	a := cl.admission()
	object := raw(t, asking())
	answer := answerOf(t, a.Mutate(), reviewOf(object))
	if !answer.Allowed || answer.PatchType == nil || *answer.PatchType != admissionv1.PatchTypeJSONPatch {
		t.Fatalf("want a JSON patch, got %+v", answer)
	}

	pod := &corev1.Pod{}
	if err := json.Unmarshal(applied(t, object, answer), pod); err != nil {
		t.Fatal(err)
	}
	if len(pod.Spec.Volumes) != 1 || pod.Spec.Volumes[0].CSI == nil {
		t.Fatalf("want one CSI volume, got %+v", pod.Spec.Volumes)
	}
	class := pod.Spec.Volumes[0].CSI.VolumeAttributes["secretProviderClass"]
	if diff := cmp.Diff([]string{"shop/" + class}, cl.ensured); diff != "" {
		t.Errorf("classes written (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"classes": class}, answer.AuditAnnotations); diff != "" {
		t.Errorf("audit annotations (-want +got):\n%s", diff)
	}
	if got := answerOf(t, a.Validate(), reviewOf(raw(t, pod))); !got.Allowed {
		t.Errorf("the injected pod is refused: %s", got.Result.Message)
	}
}

// The API server calls again when another webhook changed the pod, and takes audit
// annotations that differ for an error.
func TestReinvocation(t *testing.T) {
	sidecar := func(pod *corev1.Pod) {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: "proxy", Image: "proxy"})
	}
	cases := map[string]struct {
		pod     *corev1.Pod
		between func(*corev1.Pod)
	}{
		"nothing in between": {pod: asking(), between: func(*corev1.Pod) {}},
		"a sidecar came":     {pod: asking(), between: sidecar},
		"two vaults": {
			pod:     withAnnotation(asking(), annotation.Objects+".shared-kv", "key/signing"),
			between: sidecar,
		},
		"another account": {
			pod: func() *corev1.Pod {
				pod := withAnnotation(asking(), annotation.ServiceAccount, "web")
				pod.Spec.ServiceAccountName = "default"
				return pod
			}(),
			between: func(*corev1.Pod) {},
		},
		"asks for nothing": {pod: &corev1.Pod{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			Spec:     corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
		}, between: func(*corev1.Pod) {}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := newCluster(inPlace()...).admission()
			object := raw(t, c.pod)
			first := answerOf(t, a.Mutate(), reviewOf(object))
			if !first.Allowed {
				t.Fatal(first.Result.Message)
			}
			pod := &corev1.Pod{}
			if err := json.Unmarshal(applied(t, object, first), pod); err != nil {
				t.Fatal(err)
			}
			c.between(pod)
			second := answerOf(t, a.Mutate(), reviewOf(raw(t, pod)))
			if !second.Allowed || len(second.Patch) > 0 {
				t.Errorf("want an empty patch, got %s %+v", second.Patch, second.Result)
			}
			if diff := cmp.Diff(first.AuditAnnotations, second.AuditAnnotations); diff != "" {
				t.Errorf("audit annotations differ (-first +second):\n%s", diff)
			}
		})
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	cl := newCluster(inPlace()...)
	cl.ensureErr = errors.New("must not be called")
	a := cl.admission()
	review := reviewOf(raw(t, asking()))
	dryRun := answerOf(t, a.Mutate(), func() *admissionv1.AdmissionReview { review.Request.DryRun = new(true); return review }())

	real := newCluster(inPlace()...)
	review.Request.DryRun = new(false)
	if diff := cmp.Diff(answerOf(t, real.admission().Mutate(), review), dryRun); diff != "" {
		t.Errorf("the dry run's answer is not the real one (-real +dry run):\n%s", diff)
	}
	if len(real.ensured) != 1 {
		t.Errorf("the real one wrote %v", real.ensured)
	}
}

func TestRefusedByFindings(t *testing.T) {
	cl := newCluster(inPlace()...)
	pod := withAnnotation(asking(), annotation.RotationPollInterval, "soon")
	pod = withAnnotation(pod, annotation.Prefix+"obejcts", "x")
	for _, handler := range []http.Handler{cl.admission().Mutate()} {
		answer := answerOf(t, handler, reviewOf(raw(t, pod)))
		if answer.Allowed || answer.Result == nil {
			t.Fatalf("want a refusal, got %+v", answer)
		}
		s := answer.Result
		if s.Status != metav1.StatusFailure || s.Code != 422 || s.Reason != metav1.StatusReasonInvalid || s.Details.Kind != "Pod" || s.Details.Name != "web-" {
			t.Errorf("want a 422 about the Pod web-, got %+v", s)
		}
		type cause struct {
			Type  metav1.CauseType
			Field string
		}
		var got []cause
		for _, c := range s.Details.Causes {
			got = append(got, cause{c.Type, c.Field})
			if !strings.Contains(s.Message, "\n"+c.Field+": "+c.Message) {
				t.Errorf("the message does not have the line of %s:\n%s", c.Field, s.Message)
			}
		}
		invalid := metav1.CauseType(field.ErrorTypeInvalid)
		want := []cause{
			{invalid, "metadata.annotations[azure.keyvault.injector/obejcts]"},
			{invalid, "metadata.annotations[azure.keyvault.injector/rotation-poll-interval]"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("causes (-want +got):\n%s", diff)
		}
		if !strings.Contains(answer.AuditAnnotations["findings"], "error annotations metadata.annotations[azure.keyvault.injector/obejcts]") {
			t.Errorf("audit annotations: %v", answer.AuditAnnotations)
		}
	}
	if len(cl.ensured) > 0 {
		t.Errorf("wrote %v", cl.ensured)
	}
	logged := cl.logs.all()
	for _, says := range []string{`"outcome"="refused"`, `"uid"="uid-1"`, `"namespace"="shop"`, `"kind"="Pod" "name"="web-"`, `"user"="jane"`, `"rules"=`, `"duration"=`} {
		if !strings.Contains(logged, says) {
			t.Errorf("the log does not say %s:\n%s", says, logged)
		}
	}
	if strings.Contains(logged, "soon") || strings.Contains(logged, "DB-Password") {
		t.Errorf("the log quotes the pod:\n%s", logged)
	}
}

func TestManyFindingsAreBounded(t *testing.T) {
	var objects strings.Builder
	for range 500 {
		objects.WriteString("no_such_name,")
	}
	answer := answerOf(t, newCluster(inPlace()...).admission().Mutate(),
		reviewOf(raw(t, withAnnotation(asking(), annotation.Objects, objects.String()))))
	if answer.Allowed {
		t.Fatal("want a refusal")
	}
	causes := answer.Result.Details.Causes
	if n := len(causes); n > maxCauses+1 {
		t.Errorf("%d causes", n)
	}
	if n := len(answer.AuditAnnotations["findings"]); n > maxAudit {
		t.Errorf("%d bytes of audit annotation", n)
	}
}

func TestClassWrites(t *testing.T) {
	classes := schema.GroupResource{Group: "secrets-store.csi.x-k8s.io", Resource: "secretproviderclasses"}
	cases := map[string]struct {
		err     error
		refusal bool
		code    int32 // of the verdict; 0 is HTTP 500
		says    []string
	}{
		"quota": {
			err: apierrors.NewForbidden(classes, "akv-x", errors.New("exceeded quota: small")), refusal: true, code: 403,
			says: []string{"SecretProviderClass", `namespace "shop"`, "exceeded quota", "raise the namespace's ResourceQuota"},
		},
		"RBAC": {
			err: apierrors.NewForbidden(classes, "akv-x", errors.New(
				`User "x" cannot create resource "secretproviderclasses" in API group "secrets-store.csi.x-k8s.io" in the namespace "shop"`)), refusal: true, code: 403,
			says: []string{"cannot create", "ClusterRole"},
		},
		"policy": {
			err: apierrors.NewForbidden(classes, "akv-x", errors.New("ValidatingAdmissionPolicy 'p' denied request")), refusal: true, code: 403,
			says: []string{"denied request", "policy"},
		},
		"invalid": {
			err: apierrors.NewInvalid(schema.GroupKind{Kind: "SecretProviderClass"}, "akv-x", nil), refusal: true, code: 422,
			says: []string{"invalid"},
		},
		// Controllers would believe that the pod exists already.
		"already exists": {err: apierrors.NewAlreadyExists(classes, "akv-x"), refusal: true, code: 403, says: []string{"already exists"}},
		"says itself":    {err: errors.New("not ours. Fix: delete it"), refusal: true, code: 403, says: []string{"not ours. Fix: delete it"}},
		"timeout":        {err: errTimeout, says: []string{"writing SecretProviderClass shop/akv-payments-kv-", "deadline"}},
		"no CRD":         {err: &apierrors.StatusError{ErrStatus: metav1.Status{Code: 404, Message: "no matches for kind"}}, says: []string{"no matches"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(inPlace()...)
			cl.ensureErr, cl.refuses = c.err, c.refusal
			w := post(cl.admission().Mutate(), MutatePath, marshal(t, reviewOf(raw(t, asking()))))
			message := w.Body.String()
			if c.code == 0 {
				if w.Code != http.StatusInternalServerError {
					t.Errorf("HTTP %d, want 500", w.Code)
				}
			} else {
				answer := &admissionv1.AdmissionReview{}
				if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
					t.Fatal(err)
				}
				if answer.Response.Allowed || answer.Response.Result.Code != c.code {
					t.Fatalf("want a refusal with %d, got %+v", c.code, answer.Response)
				}
				message = answer.Response.Result.Message
			}
			for _, says := range c.says {
				if !strings.Contains(message, says) {
					t.Errorf("%q does not say %q", message, says)
				}
			}
			if strings.Count(message, "Fix: ") > 1 {
				t.Errorf("more than one fix: %q", message)
			}
		})
	}
}
