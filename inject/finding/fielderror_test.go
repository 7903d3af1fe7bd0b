package finding_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/finding"
)

func TestFieldErrorsAreSentences(t *testing.T) {
	at := finding.At("a")
	for name, tc := range map[string]struct {
		err          *finding.FieldError
		message, fix string
	}{
		"invalid":       {finding.Invalid(at, "x", finding.Problem{What: "not a y", Fix: "write a y"}), `Invalid value: "x": not a y.`, "Write a y."},
		"malformed":     {finding.Malformed(at, finding.Problem{What: "a list", Fix: "write a word"}), "Invalid value: a list.", "Write a word."},
		"forbidden":     {finding.Forbidden(at, finding.Problem{What: "is ours", Fix: "remove it"}), "Forbidden: is ours.", "Remove it."},
		"twice":         {finding.Duplicate(at, "x", finding.Problem{What: "is listed twice", Fix: "remove one"}), `Duplicate value: "x": is listed twice.`, "Remove one."},
		"a command":     {finding.Required(at, finding.Problem{What: "empty", Fix: "run: kubectl label x"}), "Required value: empty.", "Run: kubectl label x"},
		"not supported": {finding.NotSupported(at, "c", []string{"a", "b"}), `Unsupported value: "c": supported values: "a", "b".`, "Write one of the supported values."},
	} {
		findings := finding.FieldErrors{tc.err}.Findings(finding.Error)
		if findings[0].Message != tc.message || findings[0].Fix != tc.fix {
			t.Errorf("%s: %q, %q", name, findings[0].Message, findings[0].Fix)
		}
	}
}

// FuzzBoundary checks that no text in a value or in a problem moves the boundary between
// the message and the fix.
func FuzzBoundary(f *testing.F) {
	for _, seed := range []string{"", "a; b", "; ", "a; b; c", ";", "x\n; y", "a. Fix: b", "\x00", "\xff", strings.Repeat("; ", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		const fix = "write a word"
		for _, e := range []*finding.FieldError{
			finding.Invalid(finding.At("a").Key(s), s, finding.Problem{What: "not a word", Fix: fix}),
			finding.Forbidden(finding.At("a"), finding.Problem{What: "lies below " + s, Fix: fix}),
			finding.Duplicate(finding.At("a"), s, finding.Problem{What: s, Fix: fix}),
			finding.Required(finding.At("a"), finding.Problem{What: "empty", Fix: fix}.Of(s)),
		} {
			found := finding.FieldErrors{e}.Findings(finding.Warning)[0]
			if found.Fix != "Write a word." {
				t.Errorf("fix %q", found.Fix)
			}
			if strings.Contains(found.Message, fix) && !strings.Contains(s, fix) {
				t.Errorf("the fix is in the message %q", found.Message)
			}
			if diff := cmp.Diff(finding.At("a"), found.Place); diff != "" && found.Place.Last().Name != s {
				t.Error(diff)
			}
		}
	})
}
