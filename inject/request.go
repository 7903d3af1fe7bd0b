package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/request"
	"akv-injector/inject/rules"
	"akv-injector/inject/workload"
)

// Request is what a pod or a template asks for, and the policy that applies to it.
type Request struct {
	Target *workload.Target

	asked   *request.Request
	policy  *policy.Policy
	version string
}

// Parse reads the annotations of a pod or template, and of its namespace, which is nil if it
// is not known. Mistakes in them are among the findings of [Decide].
func Parse(t *workload.Target, ns *corev1.Namespace, s Settings) *Request {
	asked := request.Parse(t, ns, s)
	return &Request{
		Target: t, asked: asked, version: s.Version,
		policy: policy.Parse(t, asked, ns, s, rules.Known()),
	}
}

// Asks reports whether the pod asks for injection and has not opted out.
func (r *Request) Asks() bool { return r.asked.Asks }

// Needs returns the facts that [Decide] needs from the cluster.
func (r *Request) Needs() facts.Needs { return r.asked.Needs(r.Target) }

// Calls are those that the pods of a workload that asks will have made to each vault each time that the driver asks for their volumes.
func (r *Request) Calls() map[facts.VaultRef]int { return r.asked.Calls(r.Target) }

// MissingAccount returns the name of the ServiceAccount that is not in the facts and that
// determines what the pod gets, or "".
func (r *Request) MissingAccount(f facts.Facts) string {
	planned := r.asked.AccountPlanned()
	if _, looked := f.ServiceAccounts[planned]; looked || !r.Asks() {
		return ""
	}
	unset := r.asked.ClientID.Level == request.Unset || r.asked.TenantID.Level == request.Unset
	if r.asked.AccountNow != planned || r.asked.Generates() && unset {
		return planned
	}
	return ""
}

// OnRotation is what happens to a workload when a secret of its pods has been rotated.
type OnRotation = request.OnRotation

// OnRotationOf reads that from the annotations of a pod, or else of its namespace. It is false if they
// have an error, which admission reports.
func OnRotationOf(pod, namespace map[string]string) (o OnRotation, ok bool) {
	o, errs := request.ReadOnRotation(pod, namespace, func(string, bool) *finding.Place { return nil })
	return o, len(errs) == 0
}
