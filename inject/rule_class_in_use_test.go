package inject

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/provider"
)

func wantFields(t *testing.T, findings []Finding, want []string) {
	t.Helper()
	var got []string
	for _, f := range findings {
		got = append(got, string(f.Severity)+" "+f.Rule+" "+f.Place.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// wantClassFindings wants what the rules say of a class by itself.
func wantClassFindings(t *testing.T, r *ruled, want []string) {
	t.Helper()
	wantFields(t, DecideClass(r.class, r.facts.Namespace, Settings{}, *r.facts), want)
}

func TestClassInUse(t *testing.T) {
	r := newRuled()
	now := r.class.DeepCopy()
	update := func() []Finding {
		return DecideClassUpdate(now, r.class, r.facts.Namespace, Settings{}, *r.facts)
	}
	wantFields(t, DecideClassDeletion(r.class, *r.facts), nil)
	r.facts.MountedBy = []string{"web-1"}
	wantFields(t, DecideClassDeletion(r.class, *r.facts), []string{"warning AKV022 metadata.name"})
	now.Labels = map[string]string{"team": "payments"}
	wantFields(t, update(), nil)
	now.Spec.Parameters[provider.ParamCloud] = provider.DefaultCloud
	wantFields(t, update(), []string{"warning AKV022 spec.parameters"})
	now.Spec.Provider = "vault"
	wantFields(t, update(), []string{"warning AKV022 spec.provider"})
	r.facts.MountedBy = nil
	wantFields(t, update(), nil)
}

func TestMountsClass(t *testing.T) {
	r := newRuled()
	for phase, want := range map[string]bool{"": true, "Pending": true, "Running": true, "Unknown": true, "Succeeded": false, "Failed": false} {
		r.pod.Status.Phase = corev1.PodPhase(phase)
		if got := MountsClass(r.pod, "payments"); got != want {
			t.Errorf("%q: %v", phase, got)
		}
	}
	if MountsClass(newRuled().pod, "other") {
		t.Error("mounts a class that it does not name")
	}
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
