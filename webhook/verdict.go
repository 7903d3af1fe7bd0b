package webhook

import (
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/finding"
)

// outcome of a request, for metrics and logs.
type outcome string

const (
	outcomeInjected  outcome = "injected"  // the pod was patched
	outcomeUnchanged outcome = "unchanged" // the object is right as it is
	outcomeWarned    outcome = "warned"    // the same, with warnings
	outcomeRefused   outcome = "refused"   // the object is wrong
	outcomeSkipped   outcome = "skipped"   // the request is not for us
	outcomeError     outcome = "error"     // no verdict: a lookup or the request failed
)

// Why a request was skipped or refused, where no finding says it.
const (
	reasonOperation     = "not an operation that rules are about"
	reasonOwnRequest    = "our own request"
	reasonMirrorPod     = "mirror pod"
	reasonDeleting      = "being deleted"
	reasonController    = "made by one of the cluster's controllers"
	reasonNoTemplate    = "no template"
	reasonNotOptedIn    = "namespace not opted in"
	reasonTooLarge      = "too large to be checked"
	reasonUnreadable    = "unreadable object"
	reasonUnreadableOld = "unreadable stored object"
	reasonIncomplete    = "injection undone or missing"
	reasonClassRefused  = "class refused"
)

// verdict is an answer, with what metrics and logs report of it.
type verdict struct {
	response *admissionv1.AdmissionResponse
	outcome  outcome
	findings []finding.Finding
	// reason for the log, made of our own words alone.
	reason string
}

func allowed(o outcome) verdict {
	return verdict{response: &admissionv1.AdmissionResponse{Allowed: true}, outcome: o}
}

// passed lets an object pass, with what there is to warn of.
func passed(findings []finding.Finding, also ...string) verdict {
	v := allowed(outcomeUnchanged)
	v.findings = findings
	warnings := finding.Warnings(findings)
	v.response.Warnings = warningLines(warnings, also...)
	v.response.AuditAnnotations = auditOfFindings(findings)
	if len(warnings) > 0 {
		v.outcome = outcomeWarned
	}
	return v
}

func skipped(reason string) verdict {
	v := allowed(outcomeSkipped)
	v.reason = reason
	return v
}

func refused(reason string, status *metav1.Status) verdict {
	status.Status = metav1.StatusFailure
	return verdict{
		response: &admissionv1.AdmissionResponse{Result: status},
		outcome:  outcomeRefused,
		reason:   reason,
	}
}

// refusedTooLarge answers a request that is too large to be checked.
func refusedTooLarge(message string) verdict {
	return refused(reasonTooLarge, &metav1.Status{
		Code: http.StatusRequestEntityTooLarge, Reason: metav1.StatusReasonRequestEntityTooLarge, Message: message,
	})
}

// refusedUnreadable answers an object of a kind that we do not know, or that cannot be read.
func refusedUnreadable(req *admissionv1.AdmissionRequest, err error) verdict {
	message := err.Error()
	if name := objectName(req, nil); name != "" {
		message = fmt.Sprintf("%s (request for %q in namespace %q)", message, name, line(req.Namespace, maxName))
	}
	return refused(reasonUnreadable, &metav1.Status{
		Code:    http.StatusBadRequest,
		Reason:  metav1.StatusReasonBadRequest,
		Message: message,
	})
}
