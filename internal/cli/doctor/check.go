package doctor

import (
	"context"
	"fmt"
	"slices"
)

// Layer is where a check looks.
type Layer string

// Layers in the order in which they are looked at.
const (
	LayerCluster  Layer = "cluster"
	LayerInjector Layer = "akv-injector"
	LayerWorkload Layer = "workload"
	LayerIdentity Layer = "identity"
	LayerMount    Layer = "mount"
)

// Status of a result.
type Status string

// Statuses, the worst first.
const (
	// Problem means that secrets do not arrive, or do not rotate.
	Problem Status = "problem"
	// Warning means that they may not, or not as asked for.
	Warning Status = "warning"
	// NotChecked means that it could not be looked at; Seen says why.
	NotChecked Status = "not checked"
	OK         Status = "ok"
)

// Check is a check, and its documentation.
type Check struct {
	// ID is stable: it never changes its meaning.
	ID    string
	Layer Layer
	Name  string
	// Looks says what is looked at, Matters why.
	Looks, Matters string
	// Before is set if it makes sense before akv-injector is installed.
	Before bool
	run    func(ctx context.Context, p *Patient, r *report)
}

// Result is what a check has found.
type Result struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Layer  Layer  `json:"layer"`
	Status Status `json:"status"`
	// Object that it is about, if there is one.
	Object string `json:"object,omitempty"`
	// Seen is what was seen, Matters why it matters, and Fix a command or an instruction.
	Seen    string `json:"seen"`
	Matters string `json:"matters,omitempty"`
	Fix     string `json:"fix,omitempty"`
}

// report collects the results of a check.
type report struct {
	check   *Check
	results []Result
}

func (r *report) add(status Status, object, seen, fix string) {
	result := Result{ID: r.check.ID, Name: r.check.Name, Layer: r.check.Layer, Status: status, Object: object, Seen: seen, Fix: fix}
	if status == Problem || status == Warning {
		result.Matters = r.check.Matters
	}
	r.results = append(r.results, result)
}

func (r *report) ok(format string, args ...any)                { r.add(OK, "", fmt.Sprintf(format, args...), "") }
func (r *report) problem(seen, fix string)                     { r.add(Problem, "", seen, fix) }
func (r *report) warn(seen, fix string)                        { r.add(Warning, "", seen, fix) }
func (r *report) notChecked(why string)                        { r.add(NotChecked, "", why, "") }
func (r *report) of(object string, s Status, seen, fix string) { r.add(s, object, seen, fix) }

// Checks are all checks, in the order in which they run.
func Checks() []Check { return slices.Clone(checks) }

var checks = slices.Concat(clusterChecks, injectorChecks, workloadChecks, identityChecks, mountChecks)

// Run runs the checks that concern the patient, and tells each result as it is there.
func Run(ctx context.Context, p *Patient, tell func(Result)) []Result {
	var all []Result
	for i := range checks {
		c := &checks[i]
		switch {
		case p.Before && !c.Before:
			continue
		case (c.Layer == LayerWorkload || c.Layer == LayerIdentity || c.Layer == LayerMount) && p.Target == nil:
			continue
		}
		r := &report{check: c}
		c.run(ctx, p, r)
		for _, result := range r.results {
			tell(result)
		}
		all = append(all, r.results...)
	}
	return all
}

// Worst is the worst status among results; OK if there are none.
func Worst(results []Result) Status {
	order := []Status{Problem, Warning, NotChecked, OK}
	worst := len(order) - 1
	for _, r := range results {
		worst = min(worst, slices.Index(order, r.Status))
	}
	return order[worst]
}
