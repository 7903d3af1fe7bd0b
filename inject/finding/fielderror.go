package finding

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/internal/text"
)

// FieldError is a Problem at a Place, in the vocabulary of Kubernetes' field errors.
type FieldError struct {
	Type  field.ErrorType
	Place *Place
	Problem
	// Lookups are the facts that the error rests on, besides the object itself.
	Lookups Lookups
	// value is the wrong value as it is quoted; field.OmitValueType{} omits it.
	value any
}

// FieldErrors are the errors that a parser collects.
type FieldErrors []*FieldError

// Invalid reports a malformed value, which is shortened where it is quoted.
func Invalid(at *Place, value string, p Problem) *FieldError {
	if IsPlaceholder(value) {
		p = unfilled(value)
	}
	return &FieldError{Type: field.ErrorTypeInvalid, Place: at, Problem: p, value: text.Shorten(value)}
}

// Malformed is Invalid for a value that is not worth quoting, such as a map.
func Malformed(at *Place, p Problem) *FieldError {
	return &FieldError{Type: field.ErrorTypeInvalid, Place: at, Problem: p, value: field.OmitValueType{}}
}

// Forbidden reports a value that is not allowed in its place.
func Forbidden(at *Place, p Problem) *FieldError {
	return &FieldError{Type: field.ErrorTypeForbidden, Place: at, Problem: p, value: ""}
}

// Duplicate reports a value that occurs twice.
func Duplicate(at *Place, value string, p Problem) *FieldError {
	return &FieldError{Type: field.ErrorTypeDuplicate, Place: at, Problem: p, value: text.Shorten(value)}
}

// Required reports an empty value, or a missing one that needs an explanation.
func Required(at *Place, p Problem) *FieldError {
	return &FieldError{Type: field.ErrorTypeRequired, Place: at, Problem: p, value: ""}
}

// Missing reports a value that is not set.
func Missing(at *Place, fix string) *FieldError {
	return Required(at, Problem{What: "not set", Fix: fix})
}

// NotSupported reports a value that is not one of the supported ones.
func NotSupported(at *Place, value string, supported []string) *FieldError {
	return &FieldError{
		Type: field.ErrorTypeNotSupported, Place: at, value: text.Shorten(value),
		Problem: Problem{What: field.NotSupported(nil, "", supported).Detail, Fix: "write one of the supported values"},
	}
}

// TooMany reports a list of more elements than are allowed.
func TooMany(at *Place, n, most int) *FieldError {
	return &FieldError{Type: field.ErrorTypeTooMany, Place: at, Problem: Problem{What: field.TooMany(nil, n, most).Detail, Fix: fmt.Sprintf("reduce it to at most %d items", most)}, value: n}
}

// TooLong reports a value of more bytes than are allowed.
func TooLong(at *Place, most int) *FieldError {
	return &FieldError{Type: field.ErrorTypeTooLong, Place: at, Problem: Problem{What: field.TooLong(nil, "", most).Detail, Fix: fmt.Sprintf("shorten it to at most %d bytes", most)}, value: ""}
}

// Message states in one sentence what is wrong: Invalid value: "x": not a duration.
func (e *FieldError) Message() string {
	return text.Sentence((&field.Error{Type: e.Type, BadValue: e.value, Detail: e.What}).ErrorBody())
}

// Body is what is wrong and how to fix it, without the place.
func (e *FieldError) Body() string {
	return (&field.Error{Type: e.Type, BadValue: e.value, Detail: e.Problem.String()}).ErrorBody()
}

// Error is Body after the place.
func (e *FieldError) Error() string { return e.Place.String() + ": " + e.Body() }

// RestOn adds facts to those that the errors rest on.
func (errs FieldErrors) RestOn(l Lookups) FieldErrors {
	for _, e := range errs {
		e.Lookups |= l
	}
	return errs
}

// Findings turns the errors into findings without a rule, which nothing waives.
func (errs FieldErrors) Findings(severity Severity) []Finding {
	findings := make([]Finding, 0, len(errs))
	for _, e := range errs {
		findings = append(findings, Finding{
			Severity: severity, Type: e.Type, Place: e.Place, Message: e.Message(), Fix: text.Instruction(e.Fix), Lookups: e.Lookups,
		})
	}
	return findings
}
