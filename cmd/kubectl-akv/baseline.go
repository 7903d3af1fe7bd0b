package main

import (
	"bytes"
	"fmt"
	"os"

	"akv-injector/internal/cli/lint"
)

// useBaselines takes what is known out of a report, and writes what is to be known from now on. It says both.
func (f *lintFlags) useBaselines(report *lint.Report) (notes []string, err error) {
	if f.newBaseline != "" {
		var text bytes.Buffer
		if err := report.WriteBaseline(&text); err != nil {
			return nil, err
		}
		if err := os.WriteFile(f.newBaseline, text.Bytes(), 0o644); err != nil { //nolint:gosec // a file of the repository, which all may read
			return nil, fmt.Errorf("--write-baseline: %w", err)
		}
		notes = append(notes, fmt.Sprintf("findings written to %s: %d", lint.Printable(f.newBaseline), len(report.Findings)))
	}
	if f.baseline == "" {
		return notes, nil
	}
	text, err := os.ReadFile(f.baseline)
	if err != nil {
		return nil, fmt.Errorf("--baseline: %s cannot be read", f.baseline)
	}
	b, err := lint.ReadBaseline(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("--baseline: %s: %w", f.baseline, err)
	}
	known, gone := report.Without(b)
	note := fmt.Sprintf("findings of the baseline that are not told again: %d", known)
	if gone > 0 {
		note += fmt.Sprintf("; that are gone: %d (write it anew with --write-baseline)", gone)
	}
	return append(notes, note), nil
}
