package webhook

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/finding"
)

func findingsOf(n int, message string) []finding.Finding {
	var findings []finding.Finding
	for i := range n {
		findings = append(findings, finding.Finding{
			Rule: "AKV003", Name: "mount-not-readonly", Severity: finding.Warning, Place: finding.At("spec", "containers").Index(i), Message: message,
		})
	}
	return findings
}

func TestWarningLines(t *testing.T) {
	long := strings.Repeat("ä", 1000)
	cases := map[string]struct {
		findings []finding.Finding
		lines    int
		first    string
		last     string
	}{
		"none": {},
		"one": {
			findings: findingsOf(1, "The mount is writable."), lines: 1,
			first: "spec.containers[0]: AKV003 mount-not-readonly: The mount is writable.",
			last:  "spec.containers[0]: AKV003 mount-not-readonly: The mount is writable.",
		},
		"no field": {
			findings: []finding.Finding{{Message: "a"}}, lines: 1, first: "a", last: "a",
		},
		"control characters": {
			findings: findingsOf(1, "a\nb\tc\x1b[31md\u202ee\u0085f\u2028g\ufeffh"), lines: 1,
			first: "spec.containers[0]: AKV003 mount-not-readonly: a b c[31mde f gh",
			last:  "spec.containers[0]: AKV003 mount-not-readonly: a b c[31mde f gh",
		},
		"as many as fit":     {findings: findingsOf(16, long), lines: 16},
		"one more than fits": {findings: findingsOf(17, long), lines: 16, last: "and 2 more: kubectl akv lint"},
		"thousands":          {findings: findingsOf(5000, long), lines: 16, last: "and 4985 more: kubectl akv lint"},
		"short ones":         {findings: findingsOf(1000, "x"), lines: 84, last: "and 917 more: kubectl akv lint"},
		"equal ones":         {findings: append(findingsOf(1, "x"), findingsOf(1, "x")...), lines: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := warningLines(c.findings)
			if len(got) != c.lines {
				t.Fatalf("%d lines, want %d; last %q", len(got), c.lines, got[max(0, len(got)-1):])
			}
			if c.first != "" {
				if diff := cmp.Diff(c.first, got[0]); diff != "" {
					t.Errorf("first (-want +got):\n%s", diff)
				}
			}
			if c.last != "" {
				if diff := cmp.Diff(c.last, got[len(got)-1]); diff != "" {
					t.Errorf("last (-want +got):\n%s", diff)
				}
			}
			total := 0
			for _, l := range got {
				n := utf8.RuneCountInString(l)
				total += n
				if n > maxWarning || !utf8.ValidString(l) || strings.ContainsFunc(l, unicode.IsControl) {
					t.Errorf("%d characters: %q", n, l)
				}
			}
			if total > maxWarnings {
				t.Errorf("%d characters together", total)
			}
		})
	}
}
