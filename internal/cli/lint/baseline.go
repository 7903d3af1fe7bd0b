package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Baseline is what was found when a repository began to be checked: it is not told again, so that what is new is seen.
type Baseline struct {
	Version  int             `json:"version"`
	Findings []BaselineEntry `json:"findings"`
}

// BaselineEntry stands for findings that are equal but for their line and their place in a list.
type BaselineEntry struct {
	Fingerprint string `json:"fingerprint"`
	// For people: which rule, about what.
	Rule   string `json:"rule"`
	Object string `json:"object"`
	Field  string `json:"field"`
}

const baselineVersion = 1

// ReadBaseline reads what WriteBaseline has written.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var b Baseline
	if err := decoder.Decode(&b); err != nil {
		return nil, fmt.Errorf("not a baseline: %w", err)
	}
	if b.Version != baselineVersion {
		return nil, fmt.Errorf("a baseline of version %d, and this program knows version %d; write it again", b.Version, baselineVersion)
	}
	return &b, nil
}

// WriteBaseline writes the findings down, sorted, so that a change of one is a change of one line.
func (r *Report) WriteBaseline(w io.Writer) error {
	b := Baseline{Version: baselineVersion, Findings: []BaselineEntry{}}
	seen := map[string]int{}
	for _, f := range r.Findings {
		b.Findings = append(b.Findings, BaselineEntry{f.fingerprint(seen), f.Rule, f.Kind + "/" + f.Namespace + "/" + f.Name, f.Field})
	}
	slices.SortFunc(b.Findings, func(a, c BaselineEntry) int { return strings.Compare(a.Fingerprint, c.Fingerprint) })
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(b)
}

// Without takes the findings of a baseline out of the report, and counts those, and the entries that are found no more.
func (r *Report) Without(b *Baseline) (known, gone int) {
	in := make(map[string]bool, len(b.Findings))
	for _, e := range b.Findings {
		in[e.Fingerprint] = true
	}
	seen := map[string]int{}
	kept := make([]Finding, 0, len(r.Findings))
	for _, f := range r.Findings {
		if print := f.fingerprint(seen); in[print] {
			delete(in, print)
			known++
			continue
		}
		kept = append(kept, f)
	}
	r.Findings = kept
	return known, len(in)
}

// Levels are what a repository wants findings of rules to be: off, warning or error.
type Levels map[string]string

// LevelOff leaves a rule's findings out.
const LevelOff = "off"

// Check finds what is wrong with levels. The fence is nobody's to lower in a file beside the manifests.
func (l Levels) Check(known func(id string) bool, never string) error {
	var errs []error
	ids := make([]string, 0, len(l))
	for id := range l {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		switch level := l[id]; {
		case !known(id):
			errs = append(errs, fmt.Errorf("rules: there is no rule %q", id))
		case level != LevelOff && level != "warning" && level != "error":
			errs = append(errs, fmt.Errorf("rules: %s: %q: write off, warning or error", id, level))
		case id == never && level != "error":
			errs = append(errs, fmt.Errorf("rules: %s cannot be lowered: it is the fence around a namespace's vaults", id))
		}
	}
	return errors.Join(errs...)
}

// Apply gives findings the severities of the levels.
func (r *Report) Apply(levels Levels) {
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return levels[f.Rule] == LevelOff })
	for i := range r.Findings {
		switch levels[r.Findings[i].Rule] {
		case "warning":
			r.Findings[i].Severity = "warning"
		case "error":
			r.Findings[i].Severity = "error"
		}
	}
}
