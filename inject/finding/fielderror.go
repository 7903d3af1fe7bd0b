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
	// value that is wrong, as it is quoted; field.OmitValueType{} for none.
	value any
}

// FieldErrors are what a parser collects.
type FieldErrors []*FieldError

// Invalid is a value that is malformed. It is shortened where it is quoted.
func Invalid(at *Place, value string, p Problem) *FieldError {
	return &FieldError{Type: field.ErrorTypeInvalid, Place: at, Problem: p, value: text.Shorten(value)}
}

// Malformed is Invalid for what is not worth quoting, such as a map.
func Malformed(at *Place, p Problem) *FieldError {
	return &FieldError{Type: field.ErrorTypeInvalid, Place: at, Problem: p, value: field.OmitValueType{}}
}

// Forbidden is a value that may not be where it is.
func Forbidden(at *Place, p Problem) *FieldError {
	return &FieldError{Type: field.ErrorTypeForbidden, Place: at, Problem: p, value: ""}
}

// Duplicate is a value that is there twice.
func Duplicate(at *Place, value string, p Problem) *FieldError {
	return &FieldError{Type: field.ErrorTypeDuplicate, Place: at, Problem: p, value: text.Shorten(value)}
}

// Required is a value that is empty, or missing in a way that needs words.
func Required(at *Place, p Problem) *FieldError {
	return &FieldError{Type: field.ErrorTypeRequired, Place: at, Problem: p, value: ""}
}

// Missing is a value that is not set.
func Missing(at *Place, fix string) *FieldError {
	return Required(at, Problem{What: "not set", Fix: fix})
}

// NotSupported is a value that is none of those that are supported.
func NotSupported(at *Place, value string, supported []string) *FieldError {
	return &FieldError{
		Type: field.ErrorTypeNotSupported, Place: at, value: text.Shorten(value),
		Problem: Problem{What: field.NotSupported(nil, "", supported).Detail, Fix: "write one of the supported values"},
	}
}

// TooMany is a list of more elements than are allowed.
func TooMany(at *Place, n, most int) *FieldError {
	return &FieldError{Type: field.ErrorTypeTooMany, Place: at, Problem: Problem{What: field.TooMany(nil, n, most).Detail, Fix: fmt.Sprintf("reduce it to at most %d items", most)}, value: n}
}

// TooLong is a value of more bytes than are allowed.
func TooLong(at *Place, most int) *FieldError {
	return &FieldError{Type: field.ErrorTypeTooLong, Place: at, Problem: Problem{What: field.TooLong(nil, "", most).Detail, Fix: fmt.Sprintf("shorten it to at most %d bytes", most)}, value: ""}
}

// Message says in one sentence what is wrong: Invalid value: "x": not a duration.
func (e *FieldError) Message() string {
	return text.Sentence((&field.Error{Type: e.Type, BadValue: e.value, Detail: e.What}).ErrorBody())
}

// Body is what is wrong and how to fix it, without the place.
func (e *FieldError) Body() string {
	return (&field.Error{Type: e.Type, BadValue: e.value, Detail: e.Problem.String()}).ErrorBody()
}

// Error is Body behind the place.
func (e *FieldError) Error() string { return e.Place.String() + ": " + e.Body() }

// RestOn says of all errors which facts they rest on.
func (errs FieldErrors) RestOn(l Lookups) FieldErrors {
	for _, e := range errs {
		e.Lookups |= l
	}
	return errs
}

// Findings makes findings of no rule, which nothing waives.
func (errs FieldErrors) Findings(severity Severity) []Finding {
	findings := make([]Finding, 0, len(errs))
	for _, e := range errs {
		findings = append(findings, Finding{
			Severity: severity, Type: e.Type, Place: e.Place, Message: e.Message(), Fix: text.Instruction(e.Fix), Lookups: e.Lookups,
		})
	}
	return findings
}
