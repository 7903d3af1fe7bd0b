package request

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a window is read alike on every machine, also where there is no database of time zones

	"github.com/robfig/cron/v3"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// Values of the annotation on-rotation.
const (
	OnRotationNone    = "none"
	OnRotationRestart = "restart"
	OnRotationEvict   = "evict"
)

// Defaults and bounds of what a restart after a rotation waits for.
const (
	DefaultSettle = 2 * time.Minute
	maxSettle     = 24 * time.Hour
	minWindow     = 5 * time.Minute
	maxWindow     = 7 * 24 * time.Hour
	maxParallel   = 100
)

// OnRotation is what happens to a workload when a secret of its pods has been rotated. Reading the
// file again is no use to all programs.
type OnRotation struct {
	// Restart is set if the pods are to be replaced.
	Restart bool
	// Evict is set if that is to be done by evicting one after the other, instead of by a change of
	// the template.
	Evict bool
	// EvictEmpty is set if a pod is to be evicted that runs without its files.
	EvictEmpty bool
	// Settle is how long to wait for further changes.
	Settle time.Duration
	Window Window
	// MaxParallel is how many workloads of a namespace that share an object are restarted at once.
	MaxParallel int
}

// Window is when workloads may be restarted. The zero Window is always open.
type Window struct {
	text     string
	schedule cron.Schedule
	open     time.Duration
	zone     *time.Location
}

func (w Window) String() string { return w.text }

// Next is now while the window is open, and otherwise when it opens; zero if it never does.
func (w Window) Next(now time.Time) time.Time {
	if w.schedule == nil {
		return now
	}
	local := now.In(w.zone)
	// The last opening that would still be open.
	if opened := w.schedule.Next(local.Add(-w.open)); !opened.IsZero() && !opened.After(local) {
		return now
	}
	return w.schedule.Next(local)
}

// ReadOnRotation reads the settings of a pod, or else of its namespace.
func ReadOnRotation(pod, namespace map[string]string, place func(key string, onPod bool) *finding.Place) (OnRotation, finding.FieldErrors) {
	o := OnRotation{Settle: DefaultSettle, MaxParallel: 1}
	var errs finding.FieldErrors
	read := func(key string, parse func(value string) finding.Problem) {
		value, onPod := pod[key]
		if !onPod {
			var ok bool
			if value, ok = namespace[key]; !ok {
				return
			}
		}
		value = strings.TrimSpace(value)
		if problem := parse(value); problem.Found() {
			e := finding.Invalid(place(key, onPod), text.Shorten(value), problem)
			if !onPod {
				e.Lookups |= finding.Namespace
			}
			errs = append(errs, e)
		}
	}
	read(annotation.OnRotation, func(value string) finding.Problem {
		switch value {
		case OnRotationNone:
		case OnRotationRestart:
			o.Restart = true
		case OnRotationEvict:
			o.Restart, o.Evict = true, true
		default:
			return finding.Problem{What: "not something that can be done on a rotation", Fix: "write none, restart or evict"}
		}
		return finding.Problem{}
	})
	read(annotation.OnEmpty, func(value string) finding.Problem {
		switch value {
		case OnRotationNone:
		case OnRotationEvict:
			o.EvictEmpty = true
		default:
			return finding.Problem{What: "not something that can be done about an empty pod", Fix: "write none or evict"}
		}
		return finding.Problem{}
	})
	read(annotation.Settle, func(value string) (problem finding.Problem) {
		o.Settle, problem = parseSettle(value)
		return problem
	})
	read(annotation.RestartWindow, func(value string) (problem finding.Problem) {
		o.Window, problem = ParseWindow(value)
		return problem
	})
	read(annotation.MaxParallel, func(value string) finding.Problem {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxParallel {
			return finding.Problem{What: "not a number of workloads", Fix: fmt.Sprintf("write 1 to %d", maxParallel)}
		}
		o.MaxParallel = n
		return finding.Problem{}
	})
	return o, errs
}

func parseSettle(value string) (time.Duration, finding.Problem) {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > maxSettle {
		return DefaultSettle, finding.Problem{What: "not a duration from 0s to 24h", Fix: "write a number with a unit, such as 2m"}
	}
	return d, finding.Problem{}
}

// windowFix shows the form.
const windowFix = "write five cron fields, a duration from 5m to 168h, and maybe a time zone, such as 0 2 * * 6 4h Europe/Berlin"

// someTime is where the openings of a window are looked for: a schedule that has none in five years
// has none.
var someTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// ParseWindow reads a window: five fields of cron, how long it is open, and maybe a time zone.
func ParseWindow(value string) (Window, finding.Problem) {
	fields := strings.Fields(value)
	if len(value) > 200 || len(fields) < 6 || len(fields) > 7 {
		return Window{}, finding.Problem{What: "not a window", Fix: windowFix}
	}
	w := Window{text: strings.Join(fields, " "), zone: time.UTC}
	var err error
	// The library's own prefix for time zones would get past the check of ours.
	if strings.Contains(fields[0], "=") {
		return Window{}, finding.Problem{What: "not a field of cron", Fix: windowFix}
	}
	if w.schedule, err = cron.ParseStandard(strings.Join(fields[:5], " ")); err != nil {
		return Window{}, finding.Problem{What: "its first five fields are not cron's", Fix: windowFix}
	}
	if w.open, err = time.ParseDuration(fields[5]); err != nil || w.open < minWindow || w.open > maxWindow {
		return Window{}, finding.Problem{What: "its sixth field is not a duration from 5m to 168h", Fix: windowFix}
	}
	if len(fields) == 7 {
		if w.zone, err = time.LoadLocation(fields[6]); err != nil || fields[6] == "Local" {
			return Window{}, finding.Problem{What: "its last field is not a time zone", Fix: "write one of the IANA database, such as Europe/Berlin, or none for UTC"}
		}
	}
	if w.schedule.Next(someTime).IsZero() {
		return Window{}, finding.Problem{What: "a window that never opens", Fix: windowFix}
	}
	return w, finding.Problem{}
}
