package provider

import (
	"time"

	"akv-injector/inject/finding"
)

// DefaultInterval is the rotation poll interval if none is set.
const DefaultInterval = "2m"

// minInterval is the shortest rotation poll interval: with a shorter one the vault throttles
// requests.
const minInterval = 10 * time.Second

// ParseInterval reads a rotation poll interval, and returns what is wrong with it, if
// anything. For one that is only too short, ok is true.
func ParseInterval(value string) (d time.Duration, problem finding.Problem, ok bool) {
	d, err := time.ParseDuration(value)
	switch {
	case err != nil:
		return 0, finding.Problem{What: "not a Go duration", Fix: "write a number with a unit, such as 30s or 2m"}, false
	case d <= 0:
		return 0, finding.Problem{What: "not positive", Fix: "write a duration of at least 10s, such as 2m"}, false
	case d < minInterval:
		return d, finding.Problem{What: "under 10s, where Key Vault throttles", Fix: "write at least 10s"}, true
	}
	return d, finding.Problem{}, true
}

// IntervalProblem is what is wrong with a rotation poll interval, if anything.
func IntervalProblem(value string) finding.Problem {
	_, problem, _ := ParseInterval(value)
	return problem
}

// SameInterval reports whether two intervals are equal, though written differently.
func SameInterval(a, b string) bool {
	da, errA := time.ParseDuration(a)
	db, errB := time.ParseDuration(b)
	return errA == nil && errB == nil && da == db
}
