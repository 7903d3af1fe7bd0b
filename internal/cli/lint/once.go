package lint

import (
	"slices"

	"akv-injector/internal/cli/manifest"
)

// tellClassesOnce leaves a mistake in a class to the class itself, and names the workloads that mount it there. A
// pod alone is told of it too: its class may be in no file, or have no finding of that rule.
func (r *Report) tellClassesOnce() {
	type about struct {
		class *manifest.Object
		rule  string
	}
	own := map[about][]int{}
	for i, f := range r.Findings {
		if f.class == nil {
			own[about{f.object, f.Rule}] = append(own[about{f.object, f.Rule}], i)
		}
	}
	gone := make([]bool, len(r.Findings))
	for i, f := range r.Findings {
		if f.class == nil {
			continue
		}
		for _, at := range own[about{f.class, f.Rule}] {
			told := &r.Findings[at]
			if told.Severity != f.Severity {
				continue
			}
			gone[i] = true
			if name := f.Kind + "/" + f.Name; !slices.Contains(told.Workloads, name) {
				told.Workloads = append(told.Workloads, name)
			}
		}
	}
	kept := r.Findings[:0]
	for i, f := range r.Findings {
		if !gone[i] {
			slices.Sort(f.Workloads)
			kept = append(kept, f)
		}
	}
	r.Findings = kept
}
