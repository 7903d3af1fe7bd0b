package provider

import "testing"

func TestIntervalProblem(t *testing.T) {
	for value, want := range map[string]struct{ valid, readable bool }{
		"10s": {true, true}, "2m": {true, true}, "1h30m": {true, true}, "1.5m": {true, true}, "10000ms": {true, true},
		"9.999s": {false, true}, "1ns": {false, true},
		"0": {}, "0s": {}, "-2m": {}, "": {}, "2": {}, "2 m": {}, "2min": {}, "1d": {}, "often": {}, "9999999999h": {},
	} {
		if problem := IntervalProblem(value); !problem.Found() != want.valid {
			t.Errorf("%q: %q", value, problem)
		}
		if _, _, ok := ParseInterval(value); ok != want.readable {
			t.Errorf("%q: readable %v", value, ok)
		}
	}
}

func TestSameInterval(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b string
		want bool
	}{
		"another unit":   {"60s", "1m", true},
		"another length": {"61s", "1m", false},
		"not durations":  {"x", "x", false},
	} {
		if got := SameInterval(tc.a, tc.b); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
