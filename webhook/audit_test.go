package webhook

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
)

func TestAuditOfFindings(t *testing.T) {
	cases := map[string]struct {
		findings []finding.Finding
		want     map[string]string
	}{
		"none": {},
		"a rule and an annotation": {
			findings: []finding.Finding{
				{Rule: "AKV001", Severity: finding.Error, Place: finding.At("spec", "a"), Message: "hunter2"},
				{Severity: finding.Error, Place: finding.At("metadata", "b")},
				{Rule: "AKV003", Name: "mount-not-readonly", Severity: finding.Warning, Place: finding.At("spec", "c")},
			},
			want: map[string]string{"findings": "error AKV001 spec.a; error annotations metadata.b; warning AKV003 spec.c"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, auditOfFindings(c.findings)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAuditIsBounded(t *testing.T) {
	got := auditOfFindings(findingsOf(100_000, ""))["findings"]
	if len(got) > maxAudit || !strings.HasSuffix(got, " more") || !strings.Contains(got, "]; warning AKV003 spec.containers[40]") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func TestAuditOfPatch(t *testing.T) {
	cases := map[string]struct {
		decision inject.Decision
		want     map[string]string
	}{
		"not injected":  {decision: inject.Decision{Classes: []provider.Class{{Name: "akv-a"}}}},
		"a named class": {decision: inject.Decision{Injected: true}},
		"two": {
			decision: inject.Decision{Injected: true, Classes: []provider.Class{{Name: "akv-a"}, {Name: "akv-b"}}},
			want:     map[string]string{"classes": "akv-a,akv-b"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, auditOfPatch(c.decision)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
