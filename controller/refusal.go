package controller

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"akv-injector/inject/annotation"
	"akv-injector/internal/text"
)

// NotOursError says that a class has a generated name, but not our label.
type NotOursError struct {
	Class types.NamespacedName
}

func (e *NotOursError) Error() string {
	return fmt.Sprintf("SecretProviderClass %s has a name of akv-injector's, but not the label %s=%s, so it is never touched and could "+
		"change under a running pod. Fix: %s (akv-injector creates it again)",
		e.Class, annotation.LabelManagedBy, annotation.ManagedBy, classCommand("delete", e.Class))
}

// BeingDeletedError says that a class is going away as soon as its finalizers let it.
type BeingDeletedError struct {
	Class      types.NamespacedName
	Finalizers []string
}

func (e *BeingDeletedError) Error() string {
	return fmt.Sprintf("SecretProviderClass %s is being deleted and waits for its finalizers (%s). Fix: let whoever put them there take them "+
		"off, or take them off with %s; then create the pod again",
		e.Class, strings.Join(e.Finalizers, ", "), classCommand("edit", e.Class))
}

func classCommand(verb string, class types.NamespacedName) string {
	return text.Command("kubectl -n {namespace} "+verb+" secretproviderclass {class}", text.Values{"namespace": class.Namespace, "class": class.Name})
}

// Refusal reports whether an error of EnsureClass is a verdict, which the user has to
// hear: RBAC, a quota, a policy or another webhook does not want the class, or what
// is there under its name is not ours. Everything else (timeouts, too many requests,
// conflicts, server errors) is a lookup that failed and may go well the next time.
func Refusal(err error) bool {
	var notOurs *NotOursError
	var beingDeleted *BeingDeletedError
	if errors.As(err, &notOurs) || errors.As(err, &beingDeleted) {
		return true
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	code := int(status.Status().Code)
	switch code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusConflict, http.StatusGone:
		// From the API server itself these are about our token, the CRD or a race. A
		// policy or a webhook may choose any code for its denial.
		return deniedByAdmission(status.Status().Message)
	}
	return code >= http.StatusBadRequest && code < http.StatusInternalServerError
}

// deniedByAdmission knows the two sentences in which the API server (1.37) reports
// that an admission webhook or a ValidatingAdmissionPolicy said no.
func deniedByAdmission(message string) bool {
	return strings.Contains(message, "admission webhook") && strings.Contains(message, "denied the request") ||
		strings.Contains(message, "ValidatingAdmissionPolicy") && strings.Contains(message, "denied request")
}
