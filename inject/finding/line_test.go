package finding_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"akv-injector/inject/finding"
)

func TestLine(t *testing.T) {
	place := finding.At("spec", "template", "spec", "containers").Index(1).Child("volumeMounts").Index(0).Child("subPath")
	long := finding.At("metadata", "annotations").Key(strings.Repeat("k", 60)).Index(3).Child(strings.Repeat("x", 60), strings.Repeat("y", 60), "last")
	for name, tc := range map[string]struct {
		finding finding.Finding
		// has are the parts that the line must contain, in this order.
		has []string
	}{
		"short": {
			finding.Finding{Rule: "AKV001", Name: "subpath", Place: place, Message: "It keeps the file.", Fix: "Remove subPath."},
			[]string{place.String() + ": ", "AKV001 subpath: ", "It keeps the file. ", "Fix: Remove subPath."},
		},
		"no place": {finding.Finding{Message: "a", Fix: "b"}, []string{"a Fix: b"}},
		"a long message": {
			finding.Finding{Rule: "AKV001", Name: "subpath", Place: place, Message: strings.Repeat("Why so long? ", 40), Fix: "Remove subPath."},
			[]string{"…", "ts[0].subPath: AKV001 subpath: Why so long?", "…", " Fix: Remove subPath."},
		},
		"a long message at a long place": {
			finding.Finding{Rule: "AKV001", Name: "subpath", Place: long, Message: strings.Repeat("ä ", 200), Fix: "Run: kubectl label namespace shop a/b=c"},
			[]string{"…", ".last: AKV001 subpath: ä", " Fix: Run: kubectl label namespace shop a/b=c"},
		},
		"a fix that does not fit": {
			finding.Finding{Place: long, Message: strings.Repeat("m", 300), Fix: strings.Repeat("f", 300)},
			[]string{".last: m", " Fix: ffff", "f…"},
		},
	} {
		line := tc.finding.Line(256)
		if n := utf8.RuneCountInString(line); n > 256 {
			t.Errorf("%s: %d characters", name, n)
		}
		rest := line
		for _, part := range tc.has {
			_, after, ok := strings.Cut(rest, part)
			if !ok {
				t.Errorf("%s: no %q, in this order, in %q", name, part, line)
			}
			rest = after
		}
	}
}

// FuzzLine checks that no line is longer than its limit, and that the fix is whole if it
// fits.
func FuzzLine(f *testing.F) {
	f.Add("spec", "It fails.", "Remove it.")
	f.Add(strings.Repeat("p", 300), strings.Repeat("ä", 300), strings.Repeat("f", 150))
	f.Fuzz(func(t *testing.T, place, message, fix string) {
		found := finding.Finding{Rule: "AKV001", Name: "subpath", Place: finding.At(place), Message: message, Fix: fix}
		line := found.Line(256)
		if n := utf8.RuneCountInString(line); n > 256 {
			t.Errorf("%d characters: %q", n, line)
		}
		if fix != "" && utf8.RuneCountInString(fix) <= 150 && utf8.ValidString(fix) && !strings.HasSuffix(line, " Fix: "+fix) {
			t.Errorf("no fix at the end of %q", line)
		}
	})
}
