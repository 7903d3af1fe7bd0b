package vault

import (
	"fmt"
	"net/http"
	"strings"
)

// StatusError is a refusal in Key Vault's words. The methods of [Service] wrap
// it too, so that what is built on them can answer with the same status.
type StatusError struct {
	Status  int
	Code    string // such as "SecretNotFound"
	Inner   string // the inner error's code, such as "SecretDisabled"; often empty
	Message string
}

func (e *StatusError) Error() string {
	code := e.Code
	if e.Inner != "" {
		code += "/" + e.Inner
	}
	return fmt.Sprintf("%d %s: %s", e.Status, code, e.Message)
}

// errorBody is the JSON of every answer that is no success.
type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Inner   *innerError `json:"innererror,omitempty"`
}

type innerError struct {
	Code string `json:"code"`
}

func (e *StatusError) body() errorBody {
	detail := errorDetail{Code: e.Code, Message: e.Message}
	if e.Inner != "" {
		detail.Inner = &innerError{Code: e.Inner}
	}
	return errorBody{Error: detail}
}

func badParameter(format string, args ...any) *StatusError {
	return &StatusError{Status: http.StatusBadRequest, Code: "BadParameter", Message: fmt.Sprintf(format, args...)}
}

// notFound is for an object that is not there, and for a version that is not:
// then name is NAME/VERSION.
func notFound(kind Kind, name string) *StatusError {
	noun := kind.noun()
	return &StatusError{
		Status: http.StatusNotFound,
		Code:   kind.Title() + "NotFound",
		Message: fmt.Sprintf("A %s with (name/id) %s was not found in this key vault. If you recently deleted this %s you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
			noun, name, noun),
	}
}

func deletedNotFound(kind Kind, name string) *StatusError {
	return &StatusError{
		Status:  http.StatusNotFound,
		Code:    kind.Title() + "NotFound",
		Message: fmt.Sprintf("Deleted %s not found: %s", kind.Title(), name),
	}
}

// deletedConflict keeps a deleted object's name from being taken.
func deletedConflict(kind Kind, name string) *StatusError {
	return &StatusError{
		Status:  http.StatusConflict,
		Code:    "Conflict",
		Inner:   "ObjectIsDeletedButRecoverable",
		Message: fmt.Sprintf("%s %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the %s can only be recovered or purged.", kind.Title(), name, kind.noun()),
	}
}

// existsConflict keeps a recovery, or a certificate's secret and key, from
// replacing what has their name.
func existsConflict(kind Kind, name string) *StatusError {
	return &StatusError{
		Status:  http.StatusConflict,
		Code:    "Conflict",
		Message: fmt.Sprintf("A %s with (name/id) %s already exists in this key vault.", kind.noun(), name),
	}
}

// managed keeps the secret and the key of a certificate as the certificate has
// them. That Azure refuses is its documentation's; the words are ours.
func managed(kind Kind, name, operation string) *StatusError {
	return &StatusError{
		Status:  http.StatusForbidden,
		Code:    "Forbidden",
		Message: fmt.Sprintf("Operation %s is not allowed on the %s %s, because it belongs to the certificate of that name: change the certificate instead.", operation, kind.noun(), name),
	}
}

func methodNotAllowed(method, path string, allowed []string) *StatusError {
	return &StatusError{
		Status:  http.StatusMethodNotAllowed,
		Code:    "MethodNotAllowed",
		Message: fmt.Sprintf("The method %s is not allowed on %s; allowed: %s.", method, path, strings.Join(allowed, ", ")),
	}
}
