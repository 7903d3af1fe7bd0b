package azure

import "fmt"

// The codes of [Error], which are Azure Resource Manager's.
const (
	CodeBadRequest = "BadRequest"
	CodeNotFound   = "ResourceNotFound"
	CodeConflict   = "Conflict"
)

// Error is a refusal to do what an administrator asks.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return fmt.Sprintf("(%s) %s", e.Code, e.Message) }

func badRequest(format string, args ...any) error {
	return &Error{Code: CodeBadRequest, Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &Error{Code: CodeConflict, Message: fmt.Sprintf(format, args...)}
}
