package rules

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestRuleTable(t *testing.T) {
	var previous string
	names := map[string]bool{}
	for _, r := range All() {
		if !regexp.MustCompile(`^AKV\d{3}$`).MatchString(r.ID) || r.ID <= previous {
			t.Errorf("%q after %q: ids are unique, of one form, and in order", r.ID, previous)
		}
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(r.Name) || names[r.Name] {
			t.Errorf("%s: name %q", r.ID, r.Name)
		}
		if !strings.HasSuffix(r.Summary, ".") || !strings.HasSuffix(r.Prevents, ".") {
			t.Errorf("%s: summary and prevents are sentences: %q, %q", r.ID, r.Summary, r.Prevents)
		}
		if !strings.HasSuffix(r.Evidence, ".") || r.Remedy == "" || len(r.On()) == 0 {
			t.Errorf("%s: evidence %q, remedy %q, on %v", r.ID, r.Evidence, r.Remedy, r.On())
		}
		if len(r.Severities) == 0 || !slices.IsSorted(r.Severities) {
			t.Errorf("%s: severities %v, errors first", r.ID, r.Severities)
		}
		if Known().ByID(r.ID) == nil || Known().ByID(r.ID).Name != r.Name {
			t.Errorf("%s is not found by its id", r.ID)
		}
		previous, names[r.Name] = r.ID, true
	}
	if Known().ByID("AKV999") != nil || Known().ByID("") != nil {
		t.Error("found a rule that does not exist")
	}
}

// Only these rules may be waived; all others apply everywhere.
func TestWaivable(t *testing.T) {
	mayBe := []string{"AKV001", "AKV004", "AKV005", "AKV006", "AKV020", "AKV023", "AKV028", "AKV029"}
	for _, r := range All() {
		if want := slices.Contains(mayBe, r.ID); r.Waivable != want {
			t.Errorf("%s %s: waivable %v", r.ID, r.Name, r.Waivable)
		}
	}
}

func TestParseWaivers(t *testing.T) {
	for name, tc := range map[string]struct {
		value  string
		want   []string
		errors int
	}{
		"nothing":        {"", nil, 0},
		"one":            {"AKV001", []string{"AKV001"}, 0},
		"several":        {"AKV001, AKV004\nAKV005 # for the old vault", []string{"AKV001", "AKV004", "AKV005"}, 0},
		"not waivable":   {"AKV018", nil, 1},
		"unknown":        {"AKV999, subpath", nil, 2},
		"in lower case":  {"akv001", nil, 1},
		"good among bad": {"AKV001, AKV018", []string{"AKV001"}, 1},
		"with an end":    {"AKV001 until 2027-03-01, AKV004", []string{"AKV001", "AKV004"}, 0},
		"with a reason":  {"AKV001 because the reader is old, and nobody knows it\nAKV004 until 2027-03-01 because of x", []string{"AKV001", "AKV004"}, 0},
		"no date":        {"AKV001 until March", nil, 1},
		"no such date":   {"AKV001 until 2027-02-30", nil, 1},
		"other words":    {"AKV001 please", nil, 1},
		"no reason":      {"AKV001 because", nil, 1},
	} {
		allow, errs := Known().ParseWaivers(tc.value, nil)
		if len(errs) != tc.errors {
			t.Errorf("%s: %v", name, errs)
		}
		if got := slices.Sorted(maps.Keys(allow)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
