package webhook

import (
	"errors"
	"net/http"
	"slices"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"akv-injector/inject/finding"
)

// exchange is one HTTP request, as far as metrics and the log want to know of it.
type exchange struct {
	path     string
	began    time.Time
	outcome  outcome
	reason   string
	findings []finding.Finding
	// code is the HTTP status of a failure, or the Status code of a refusal.
	code  int
	err   error
	stack string
	// request and object are nil as long as they could not be read. Only names are
	// taken from them.
	request *admissionv1.AdmissionRequest
	object  *object
}

// fail answers with an HTTP error, in words, for people who read the API server's log.
func (e *exchange) fail(w http.ResponseWriter, code int, err error) {
	// The API server's own errors may quote what was asked for, however long.
	message := line(err.Error(), maxCause)
	e.outcome, e.code, e.err = outcomeError, code, errors.New(message)
	http.Error(w, "akv-injector: "+message, code)
}

func (e *exchange) verdict(v verdict) {
	e.outcome, e.reason, e.findings = v.outcome, v.reason, v.findings
	if v.response.Result != nil {
		e.code = int(v.response.Result.Code)
	}
}

// report counts the exchange and logs it: one line where the object was refused or the
// request failed, and, at debug level, for any other. A line says who, where, which
// rules and how long, and never what the object holds.
func (a *Admission) report(e *exchange) {
	took := time.Since(e.began)
	a.metrics.observe(e, took)
	if e.stack == "" && e.outcome != outcomeError && e.outcome != outcomeRefused && !a.log.V(1).Enabled() {
		return // nobody would see it
	}

	values := []any{"path", e.path, "outcome", string(e.outcome), "duration", took.String()}
	if e.reason != "" {
		values = append(values, "reason", e.reason)
	}
	if e.code != 0 {
		values = append(values, "code", e.code)
	}
	if req := e.request; req != nil {
		values = append(values, "uid", line(string(req.UID), maxName), "operation", operationOf(req),
			"namespace", line(req.Namespace, maxName), "kind", line(req.Kind.Kind, maxName), "name", objectName(req, e.object),
			"user", line(req.UserInfo.Username, maxName), "dryRun", req.DryRun != nil && *req.DryRun)
	}
	if rules := rulesOf(e.findings); len(rules) > 0 {
		values = append(values, "rules", rules)
	}
	switch {
	case e.stack != "":
		a.log.Error(e.err, "admission request panicked", append(values, "stack", e.stack)...)
	case e.outcome == outcomeError:
		a.log.Error(e.err, "admission request failed", values...)
	case e.outcome == outcomeRefused:
		a.log.Info("refused", values...)
	default:
		a.log.V(1).Info("admitted", values...)
	}
}

// rulesOf are the ids of the rules that found something, each once.
func rulesOf(findings []finding.Finding) []string {
	var rules []string
	for _, f := range findings {
		if id := ruleID(f); !slices.Contains(rules, id) {
			rules = append(rules, id)
		}
	}
	return rules
}
