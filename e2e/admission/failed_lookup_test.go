package admission_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/injector"
)

// What cannot be looked up is a failure and no verdict, so that failurePolicy
// decides: asking pods fail closed, hand-written ones go through.
func failedLookupIsLeftToFailurePolicy(t *testing.T, s *system) {
	namespace := s.namespace(t)
	if a := s.mustAdmit(t, request{namespace: namespace, pod: handwrittenPod("before", "own")}); len(a.warnings) == 0 {
		t.Error("a hand-written pod whose class is missing is not warned of")
	}
	// The caches stay warm: a watch that is open is not cut off. Live reads are refused.
	if err := s.Client.RbacV1().ClusterRoleBindings().Delete(t.Context(), "akv-injector", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}

	pod := annotated(askingPod("asking"), map[string]string{"service-account": "nobody-has-looked"})
	var err error
	soon.Require(t, "HTTP 500 for an asking pod without its facts", func(ctx context.Context) (bool, string) {
		err = s.admit(ctx, request{namespace: namespace, pod: pod}).err
		return httpCode(err) == http.StatusInternalServerError, fmt.Sprint(err)
	})
	for _, want := range []string{`failed calling webhook "` + injector.Mutating + `"`, "akv-injector: looking up ServiceAccount", "nobody-has-looked"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the refusal does not say %q: %v", want, err)
		}
	}

	a := s.mustAdmit(t, request{namespace: namespace, pod: handwrittenPod("after", "nobody-has-looked")})
	for _, w := range a.warnings {
		if strings.Contains(w, "AKV") {
			t.Errorf("a finding without facts: %q", w)
		}
	}
	metrics, err := s.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if opened := sum(t, metrics, "apiserver_admission_webhook_fail_open_count", `name="`+injector.Handwritten+`"`); opened != 1 {
		t.Errorf("the API server let %g pods through for failurePolicy Ignore, want 1", opened)
	}
	// A pod whose facts are all in the caches does not even notice.
	if a := s.admit(t.Context(), request{namespace: namespace, pod: askingPod("cached"), dryRun: true}); a.err != nil {
		t.Errorf("an asking pod whose facts are cached: %v", a.err)
	}
}
