package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/provider"
	"akv-injector/inject/request"
)

func wantFields(t *testing.T, findings []finding.Finding, want []string) {
	t.Helper()
	var got []string
	for _, f := range findings {
		got = append(got, string(f.Severity)+" "+f.Rule+" "+f.Place.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// wantClassFindings checks the findings about a class without a pod.
func wantClassFindings(t *testing.T, r *ruled, want []string) {
	t.Helper()
	wantFields(t, finding.Sort(classFindings(r)), want)
}

// classFindings are about a class without a pod.
func classFindings(r *ruled) []finding.Finding {
	class := facts.NewClass(r.Class)
	return (&Class{Class: class, Policy: policy.ParseClass(class, r.Facts.Namespace, request.Settings{}, Known()), Facts: *r.Facts}).Check()
}

func TestClassInUse(t *testing.T) {
	r := newRuled()
	now := r.Class.DeepCopy()
	var mountedBy []string
	update := func() []finding.Finding {
		return (&ClassChange{Before: facts.NewClass(r.Class), Now: facts.NewClass(now), MountedBy: mountedBy}).Check()
	}
	deletion := func() []finding.Finding {
		return (&ClassChange{Before: facts.NewClass(r.Class), MountedBy: mountedBy}).Check()
	}
	wantFields(t, deletion(), nil)
	mountedBy = []string{"web-1"}
	wantFields(t, deletion(), []string{"warning AKV022 metadata.name"})
	now.Labels = map[string]string{"team": "payments"}
	wantFields(t, update(), nil)
	now.Spec.Parameters[provider.ParamCloud] = provider.DefaultCloud
	wantFields(t, update(), []string{"warning AKV022 spec.parameters"})
	now.Spec.Provider = "vault"
	wantFields(t, update(), []string{"warning AKV022 spec.provider"})
	mountedBy = nil
	wantFields(t, update(), nil)
}

func TestSomePods(t *testing.T) {
	for want, names := range map[string][]string{
		"a": {"a"}, "a, b, c": {"a", "b", "c"}, "a, b, c and 2 more": {"a", "b", "c", "d", "e"},
	} {
		if got := somePods(names); got != want {
			t.Errorf("%v: %q, want %q", names, got, want)
		}
	}
}
