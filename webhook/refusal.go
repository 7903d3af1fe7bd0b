package webhook

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
)

const (
	// maxCauses is the most findings that one refusal lists. A pod can have tens of
	// thousands; no reader needs them all, and etcd stores them in events.
	maxCauses = 50
	// maxCause is the most characters of one.
	maxCause = 1024
)

// refusedByFindings is the Status that the API server itself gives for an invalid
// object. kubectl prints its causes, controllers put its message into an event.
func refusedByFindings(c *change, findings []finding.Finding) verdict {
	errs := finding.Errors(findings)
	return c.refuse(findings, refusal{
		n: len(errs), cause: func(i int) metav1.StatusCause {
			return metav1.StatusCause{
				Type:    metav1.CauseType(errs[i].Type),
				Field:   line(errs[i].Place.String(), maxDetail),
				Message: line(errs[i].String(), maxCause),
			}
		},
	})
}

// refusedIncomplete says what the pod still lacks.
func refusedIncomplete(c *change, d *inject.Decision) verdict {
	fields := patchedFields(d.Patch)
	return c.refuse(d.Findings, refusal{
		reason: reasonIncomplete,
		explanation: "The pod asks for secrets and would start without all that this takes. Either another webhook changed the pod after " +
			"akv-injector did; or akv-injector's MutatingWebhookConfiguration is missing or does not match the pod; or the " +
			"ServiceAccount or the Namespace changed in this very moment. " +
			"Fix: create the pod again; if it is refused again, compare " +
			"kubectl get mutatingwebhookconfigurations with the fields named here.",
		n: len(fields), cause: func(i int) metav1.StatusCause {
			return metav1.StatusCause{
				Type:    metav1.CauseType(field.ErrorTypeRequired),
				Field:   line(fields[i], maxDetail),
				Message: "is not what akv-injector gives the pod.",
			}
		},
	})
}

// refusal is the answer about an object that is wrong: n causes, with words
// before them where they do not speak for themselves.
type refusal struct {
	reason, explanation string
	n                   int
	cause               func(i int) metav1.StatusCause
}

// refuse is a 422 with the causes, which the message lists too, a line each:
// controllers show the message only.
func (c *change) refuse(findings []finding.Finding, r refusal) verdict {
	var causes []metav1.StatusCause
	for i := range min(r.n, maxCauses) {
		causes = append(causes, r.cause(i))
	}
	if r.n > maxCauses {
		causes = append(causes, metav1.StatusCause{Message: foldedLine(r.n-maxCauses, moreFindings)})
	}

	name := objectName(c.req, c.now)
	var message strings.Builder
	fmt.Fprintf(&message, "%s %q is refused:", c.now.noun(), name)
	if r.explanation != "" {
		message.WriteString(" " + r.explanation)
	}
	for _, cause := range causes {
		message.WriteByte('\n')
		if cause.Field != "" {
			message.WriteString(cause.Field + ": ")
		}
		message.WriteString(cause.Message)
	}
	v := refused(r.reason, &metav1.Status{
		Code:    http.StatusUnprocessableEntity,
		Reason:  metav1.StatusReasonInvalid,
		Message: message.String(),
		Details: &metav1.StatusDetails{Group: c.now.kind.Group, Kind: c.now.kind.Kind, Name: name, Causes: causes},
	})
	v.findings = findings
	v.response.Warnings = warningLines(finding.Warnings(findings))
	v.response.AuditAnnotations = auditOfFindings(findings)
	return v
}

// refusedClass passes on that the API server, a quota or a policy does not want the
// class that the pod needs.
func refusedClass(req *admissionv1.AdmissionRequest, class provider.Class, err error) verdict {
	code, reason := int32(http.StatusForbidden), metav1.StatusReasonForbidden
	// Of the error's own reasons these two are passed on. Controllers act on others,
	// such as AlreadyExists, as if they were about the pod.
	if apierrors.IsInvalid(err) {
		code, reason = http.StatusUnprocessableEntity, metav1.StatusReasonInvalid
	} else if apierrors.IsBadRequest(err) {
		code, reason = http.StatusBadRequest, metav1.StatusReasonBadRequest
	}
	return refused(reasonClassRefused, &metav1.Status{
		Code:   code,
		Reason: reason,
		Message: fmt.Sprintf("the pod needs the SecretProviderClass %q in namespace %q, which could not be written: %s%s",
			line(class.Name, maxName), line(req.Namespace, maxName), line(err.Error(), maxCause), classFix(err)),
	})
}

// classFix says what to do about a refused class, for the causes that the API
// server's words tell apart.
func classFix(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "Fix: "):
		return ""
	case strings.Contains(text, "exceeded quota"), strings.Contains(text, "failed quota"):
		return " Fix: raise the namespace's ResourceQuota, or delete SecretProviderClasses that nothing mounts."
	// RBAC's words, which a policy's own message does not have by chance.
	case strings.Contains(text, ` resource "secretproviderclasses" in API group`):
		return " Fix: give akv-injector's ServiceAccount the verbs get, list, watch, create, update, patch and delete " +
			"on secretproviderclasses (the ClusterRole akv-injector of its manifests)."
	default:
		return " Fix: let the policy or webhook named here accept SecretProviderClasses that akv-injector writes " +
			"(label " + annotation.LabelManagedBy + "=" + annotation.ManagedBy + ")."
	}
}

// patchedFields are the fields that operations touch, in the way that findings name
// fields, each once. The values stay out of it.
func patchedFields(ops []jsonpatch.Operation) []string {
	var fields []string
	for _, op := range ops {
		if f := fieldOf(op.Path); !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	return fields
}

// fieldOf turns a JSON pointer (RFC 6901) into a field path:
// /spec/containers/0/volumeMounts/- becomes spec.containers[0].volumeMounts.
func fieldOf(pointer string) string {
	var path *field.Path
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = unescape.Replace(part)
		switch {
		case part == "-", part == "":
		case path == nil:
			path = field.NewPath(part)
		case isIndex(part), strings.ContainsAny(part, "./"):
			path = path.Key(part)
		default:
			path = path.Child(part)
		}
	}
	if path == nil {
		return ""
	}
	return path.String()
}

func isIndex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
