package webhook

import (
	"context"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"

	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// answerMutation patches a pod that asks.
//
// It warns only where it refuses: a pod that passes comes by again for validation,
// as all webhooks have left it, and what is said there is right.
func (a *Admission) answerMutation(ctx context.Context, c *change) (verdict, error) {
	target := workload.TargetOf(c.now.Object)
	target.Origin = originOf(c.req.UserInfo, c.now)
	target.Mutating = true
	d, err := a.decide(ctx, &question{namespace: c.req.Namespace, now: target})
	if err != nil {
		return verdict{}, err
	}
	if !d.optedIn {
		return skipped(reasonNotOptedIn), nil
	}
	if len(d.Errors()) > 0 {
		return refusedByFindings(c, d.Findings), nil
	}

	// The class has to be there before the pod is stored, and in every round: another
	// client may have deleted it since the last.
	if !c.dryRun() {
		for _, class := range d.Classes {
			if err := a.ensureClass(ctx, c.req.Namespace, class); err != nil {
				if a.refusal(err) {
					return refusedClass(c.req, class, err), nil
				}
				return verdict{}, fmt.Errorf("writing SecretProviderClass %s/%s: %w",
					line(c.req.Namespace, maxName), line(class.Name, maxName), err)
			}
		}
	}

	v := allowed(outcomeUnchanged)
	v.response.AuditAnnotations = auditOfPatch(d.Decision)
	if len(d.Patch) == 0 {
		return v, nil
	}
	patch, err := marshalPatch(d.Patch)
	if err != nil {
		return verdict{}, fmt.Errorf("writing the patch: %w", err)
	}
	patchType := admissionv1.PatchTypeJSONPatch
	v.outcome = outcomeInjected
	v.response.Patch = patch
	v.response.PatchType = &patchType
	return v, nil
}

func (a *Admission) ensureClass(ctx context.Context, namespace string, class provider.Class) error {
	change, err := a.ensure(ctx, namespace, class)
	switch {
	case err == nil:
		a.metrics.classWrites.WithLabelValues(change).Inc()
	case a.refusal(err):
		a.metrics.classWrites.WithLabelValues("refused").Inc()
	default:
		a.metrics.classWrites.WithLabelValues("failed").Inc()
	}
	return err
}
