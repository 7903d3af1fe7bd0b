package convert

import (
	"fmt"
	"slices"

	"akv-injector/inject/finding"
	"akv-injector/internal/cli/manifest"
)

// Problem is what keeps a workload from being converted: where it stands, what is lost
// with it, and what to do.
type Problem struct {
	File string
	Line int
	// Message says in one sentence what cannot be carried over.
	Message string
	// Fix says in one sentence what to do.
	Fix string
}

// String is "file:line: message Fix: fix".
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s Fix: %s", p.File, p.Line, p.Message, p.Fix)
}

// problems are collected for one workload.
type problems []Problem

func (p *problems) add(o *manifest.Object, place *finding.Place, message, fix string) {
	found := Problem{File: o.File, Line: o.LineOf(place), Message: message, Fix: fix}
	if !slices.Contains(*p, found) {
		*p = append(*p, found)
	}
}
