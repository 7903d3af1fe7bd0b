package rules

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
)

// Report collects findings, and adds to each the data of the rule that reports it.
type Report struct {
	rule     *finding.Rule
	findings []finding.Finding
}

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
	r.findings = append(r.findings, finding.Finding{
		Rule: r.rule.ID, Name: r.rule.Name, Lookups: r.rule.Lookups,
		Severity: severity, Type: typ, Place: place, Message: message, Fix: fix,
	})
	return &r.findings[len(r.findings)-1]
}
