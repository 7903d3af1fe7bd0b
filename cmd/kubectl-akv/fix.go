package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"akv-injector/inject"
	"akv-injector/internal/cli/convert"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

// fixFiles writes into the files what can be put right without a doubt, and says what it has done and what not.
func (f *lintFlags) fixFiles(stderr io.Writer, set *manifest.Set, report *lint.Report) (fixed bool, err error) {
	var repairs []convert.Repair
	for _, found := range report.Findings {
		rule := inject.RuleByID(found.Rule)
		if object, place := found.Where(); rule != nil && rule.Repair != "" && object != nil {
			repairs = append(repairs, convert.Repair{Object: object, Place: place, Rule: rule})
		}
	}
	if len(repairs) == 0 {
		return false, nil
	}
	result, done, err := convert.Fix(set, repairs)
	if err != nil {
		return false, err
	}
	if err := writeConverted(stderr, result); err != nil {
		return false, err
	}
	for _, one := range done {
		where := fmt.Sprintf("%s:%d: %s", one.Object.File, one.Object.LineOf(one.Place), one.Rule.ID)
		if one.Done != "" {
			fixed = true
			fmt.Fprintln(stderr, lint.Printable(where+": "+one.Done))
		} else {
			fmt.Fprintln(stderr, lint.Printable(where+": left as it is: "+one.Why))
		}
	}
	return fixed, nil
}

// checkFix finds what --fix cannot be used with.
func (f *lintFlags) checkFix() error {
	if !f.fix {
		return nil
	}
	if len(f.kustomize) > 0 || f.chart.Path != "" || slices.Contains(f.files, manifest.Stdin) {
		return errors.New("--fix writes files, and neither the standard input nor what -k and --helm make is one; name files and folders with -f")
	}
	return nil
}
