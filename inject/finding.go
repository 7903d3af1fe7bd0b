package inject

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/internal/text"
)

// Severity of a Finding.
type Severity string

// An Error refuses the object; a Warning is told and lets it pass.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is one thing that is wrong with an object, where, and how to mend it.
type Finding struct {
	// Rule is the rule's id (AKV001), or empty for an error in the annotations
	// themselves, which no rule can waive.
	Rule     string
	Severity Severity
	// Type says what kind of wrong.
	Type field.ErrorType
	// Field is the path in the object, or, behind "namespace.", in its namespace.
	Field string
	// Message says in one sentence what happens.
	Message string
	// Fix says in one sentence how to mend it.
	Fix string
}

// String is the finding without its field: "AKV001 subpath: message Fix: fix".
func (f Finding) String() string {
	var b strings.Builder
	if f.Rule != "" {
		b.WriteString(f.Rule)
		if r := RuleByID(f.Rule); r != nil {
			b.WriteString(" " + r.Name)
		}
		b.WriteString(": ")
	}
	b.WriteString(f.Message)
	if f.Fix != "" {
		b.WriteString(" Fix: " + f.Fix)
	}
	return b.String()
}

// duplicate is field.Duplicate with the detail that says how to mend it.
func duplicate(path *field.Path, value, detail string) *field.Error {
	e := field.Duplicate(path, text.Shorten(value))
	e.Detail = detail
	return e
}

// fromErrors turns what a parser collected into findings.
func fromErrors(errs field.ErrorList, severity Severity) []Finding {
	findings := make([]Finding, 0, len(errs))
	for _, e := range errs {
		message, fix := messageAndFix(e)
		findings = append(findings, Finding{
			Severity: severity,
			Type:     e.Type,
			Field:    e.Field,
			Message:  message,
			Fix:      fix,
		})
	}
	return findings
}

// messageAndFix splits an error: behind the first semicolon of its detail is how to mend
// it. Where there is none, the detail of a missing value says what to write.
func messageAndFix(e *field.Error) (message, fix string) {
	without := *e
	detail, remedy, ok := strings.Cut(e.Detail, "; ")
	switch {
	case ok:
		without.Detail = detail
	case e.Type == field.ErrorTypeRequired:
		remedy, without.Detail = e.Detail, "there is none"
	case e.Type == field.ErrorTypeNotSupported:
		remedy = "Write one of the supported values."
	case e.Type == field.ErrorTypeTooMany || e.Type == field.ErrorTypeTooLong:
		remedy = "Write less."
	}
	return text.Sentence(without.ErrorBody()), text.Instruction(remedy)
}

// sortFindings puts errors first, then goes by rule and place, so that equal
// input gives equal output, and drops what was found twice.
func sortFindings(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Severity, b.Severity), // "error" < "warning"
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Field, b.Field),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(findings)
}
