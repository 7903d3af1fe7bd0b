package suite

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

const modulePrefix = "akv-injector/"

// Phase is one part of a whole run, such as the unit tests.
type Phase struct {
	Name   string
	Took   time.Duration
	Report *Report // nil for one that has no tests
}

// slowest is how many tests a summary names.
const slowest = 10

// Summarize writes where the time went, what tests have measured and, as the last lines,
// what was left out and what failed.
func Summarize(out io.Writer, phases []Phase) {
	fmt.Fprintln(out, "\nWhere the time went:")
	var tests []Timing
	var measurements []Measurement
	var left []LeftOut
	var failures []Failure
	var whole time.Duration
	for _, p := range phases {
		whole += p.Took
		row(out, 0, p.Name, p.Took)
		if p.Report == nil {
			continue
		}
		packages := slices.Clone(p.Report.Packages)
		slices.SortStableFunc(packages, byTime)
		for _, t := range packages {
			if t.Took >= time.Second {
				row(out, 1, strings.TrimPrefix(t.Name, modulePrefix), t.Took)
			}
		}
		tests = append(tests, p.Report.Tests...)
		measurements = append(measurements, p.Report.Measured...)
		left = append(left, p.Report.LeftOut...)
		failures = append(failures, p.Report.Failures...)
	}
	row(out, 0, "in all", whole)
	slices.SortStableFunc(tests, byTime)
	fmt.Fprintln(out, "The slowest tests (some run side by side):")
	for _, t := range tests[:min(slowest, len(tests))] {
		row(out, 1, t.Name, t.Took)
	}
	if len(measurements) > 0 {
		fmt.Fprintln(out, "Measured:")
	}
	for _, m := range measurements {
		fmt.Fprintf(out, "  %s (%s)\n", m.Text, m.Test)
	}
	summarizeLeftOut(out, left)
	for _, f := range failures {
		fmt.Fprintf(out, "FAILED: %s\n", f.Test)
		for line := range strings.Lines(f.Reason) {
			fmt.Fprintf(out, "    %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
}

// summarizeLeftOut names each reason once, with the tests that it stopped.
func summarizeLeftOut(out io.Writer, left []LeftOut) {
	byReason := map[string][]string{}
	for _, l := range left {
		byReason[l.Reason] = append(byReason[l.Reason], l.Test)
	}
	for _, reason := range slices.Sorted(func(yield func(string) bool) {
		for r := range byReason {
			if !yield(r) {
				return
			}
		}
	}) {
		fmt.Fprintf(out, "NOT TESTED (%d tests): %s\n", len(byReason[reason]), reason)
		for _, test := range byReason[reason] {
			fmt.Fprintf(out, "  %s\n", test)
		}
	}
}

func byTime(a, b Timing) int { return cmp.Compare(b.Took, a.Took) }

func row(out io.Writer, depth int, name string, took time.Duration) {
	fmt.Fprintf(out, "  %7.1f s  %s%s\n", took.Seconds(), strings.Repeat("  ", depth), name)
}
