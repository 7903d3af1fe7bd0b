package provider

import (
	"time"

	"akv-injector/inject/finding"
)

// DefaultInterval is the rotation poll interval of who asks for none.
const DefaultInterval = "2m"

// minInterval is the shortest rotation poll interval: below it the vault's
// throttling, not the interval, decides.
const minInterval = 10 * time.Second

// ParseInterval reads a rotation poll interval and says what keeps it from being one.
// One that is merely too short is returned with its problem and ok.
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

// IntervalProblem says what is wrong with a rotation poll interval, or "".
func IntervalProblem(value string) finding.Problem {
	_, problem, _ := ParseInterval(value)
	return problem
}

func SameInterval(a, b string) bool {
	da, errA := time.ParseDuration(a)
	db, errB := time.ParseDuration(b)
	return errA == nil && errB == nil && da == db
}
