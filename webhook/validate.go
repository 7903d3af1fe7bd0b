package webhook

import (
	"context"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject"
)

// validate sees the pod as all mutating webhooks have left it. A pod that asks must
// have everything by now: what the engine would still change was undone by another
// webhook, or never done.
func (a *Admission) validate(ctx context.Context, req *admissionv1.AdmissionRequest, pod *corev1.Pod) (verdict, error) {
	target := &inject.Target{
		Meta:   &pod.ObjectMeta,
		Spec:   &pod.Spec,
		Origin: originOf(req.UserInfo, pod),
	}
	d, err := a.decide(ctx, target, func(d inject.Decision) bool {
		return len(d.Errors()) > 0 || incomplete(d)
	})
	if err != nil {
		return verdict{}, err
	}
	switch {
	case !d.optedIn:
		return skipped(reasonNotOptedIn), nil
	case len(d.Errors()) > 0:
		return refusedByFindings(req, pod, d.Decision), nil
	case incomplete(d.Decision):
		return refusedIncomplete(req, pod, d.Decision), nil
	}

	v := allowed(outcomeUnchanged)
	v.findings = d.Findings
	v.response.Warnings = warningLines(d.Warnings())
	v.response.AuditAnnotations = auditOfFindings(d.Findings)
	if len(v.response.Warnings) > 0 {
		v.outcome = outcomeWarned
	}
	return v, nil
}

// incomplete tells whether a pod that asks lacks something that it should have got.
func incomplete(d inject.Decision) bool { return d.Injected && len(d.Patch) > 0 }
