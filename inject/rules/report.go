package rules

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
)

// Report collects findings, and adds to each the data of the rule that reports it.
type Report struct {
	rule     *finding.Rule
	findings []finding.Finding
	// errors and warnings of the rule so far.
	errors, warnings int
	dropped          finding.Finding
}

// maxFindings is the most errors, and the most warnings, that one rule reports about one
// object. A pod has room for millions, and no reader needs them.
const maxFindings = 200

// Full reports whether the rule has as many errors as are kept. Loops over pairs of things end
// then: the object is refused anyway.
func (r *Report) Full() bool { return r.errors >= maxFindings }

// NoMoreWarnings reports whether the rule has as many warnings as are kept. Loops of rules that
// only warn end then.
func (r *Report) NoMoreWarnings() bool { return r.warnings >= maxFindings }

// start begins the findings of a rule.
func (r *Report) start(rule *finding.Rule) { r.rule, r.errors, r.warnings = rule, 0, 0 }

// Error reports a finding that refuses the object. The caller may change the result until the
// next call.
func (r *Report) Error(typ field.ErrorType, place *finding.Place, message, fix string) *finding.Finding {
	return r.add(finding.Error, typ, place, message, fix)
}

// Warn reports a finding that is shown and refuses nothing.
func (r *Report) Warn(typ field.ErrorType, place *finding.Place, message, fix string) *finding.Finding {
	return r.add(finding.Warning, typ, place, message, fix)
}

func (r *Report) add(severity finding.Severity, typ field.ErrorType, place *finding.Place, message, fix string) *finding.Finding {
	count := &r.warnings
	if severity == finding.Error {
		count = &r.errors
	}
	if *count >= maxFindings {
		return &r.dropped
	}
	*count++
	r.findings = append(r.findings, finding.Finding{
		Rule: r.rule.ID, Name: r.rule.Name, Lookups: r.rule.Lookups,
		Severity: severity, Type: typ, Place: place, Message: message, Fix: fix,
	})
	return &r.findings[len(r.findings)-1]
}
