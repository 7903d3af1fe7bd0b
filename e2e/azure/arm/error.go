package arm

import "fmt"

// The codes of [Error], which are Resource Manager's.
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

// BadRequest returns a refusal of a request that is wrong in itself.
func BadRequest(format string, args ...any) error {
	return &Error{Code: CodeBadRequest, Message: fmt.Sprintf(format, args...)}
}

// NotFound returns a refusal for a resource that does not exist.
func NotFound(format string, args ...any) error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf(format, args...)}
}

// Conflict returns a refusal for a resource that would clash with another.
func Conflict(format string, args ...any) error {
	return &Error{Code: CodeConflict, Message: fmt.Sprintf(format, args...)}
}
