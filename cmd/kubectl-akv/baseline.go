package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"akv-injector/internal/cli/lint"
)

// baselineFlags are those about findings that are known.
type baselineFlags struct{ known, write string }

func (f *baselineFlags) bind(flags *pflag.FlagSet) {
	flags.StringVar(&f.known, "baseline", "", "`file` of findings that are not told again")
	flags.StringVar(&f.write, "write-baseline", "", "`file` to write the findings to, as a baseline")
}

// use takes what is known out of a report, and writes what is to be known from now on. It says both.
func (f *baselineFlags) use(report *lint.Report) (notes []string, err error) {
	if f.write != "" {
		var text bytes.Buffer
		if err := report.WriteBaseline(&text); err != nil {
			return nil, err
		}
		if err := os.WriteFile(f.write, text.Bytes(), 0o644); err != nil { //nolint:gosec // a file of the repository, which all may read
			return nil, fmt.Errorf("--write-baseline: %w", err)
		}
		notes = append(notes, fmt.Sprintf("findings written to %s: %d", lint.Printable(f.write), len(report.Findings)))
	}
	if f.known == "" {
		return notes, nil
	}
	text, err := os.ReadFile(f.known)
	if err != nil {
		return nil, fmt.Errorf("--baseline: %s cannot be read", f.known)
	}
	b, err := lint.ReadBaseline(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("--baseline: %s: %w", f.known, err)
	}
	known, gone := report.Without(b)
	note := fmt.Sprintf("findings of the baseline that are not told again: %d", known)
	if gone > 0 {
		note += fmt.Sprintf("; that are gone: %d (write it anew with --write-baseline)", gone)
	}
	return append(notes, note), nil
}
