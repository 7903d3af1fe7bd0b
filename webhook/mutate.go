package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject"
)

// mutate patches a pod that asks.
//
// It warns only where it refuses: a pod that passes comes by again for validation,
// as all webhooks have left it, and what is said there is right.
func (a *Admission) mutate(ctx context.Context, req *admissionv1.AdmissionRequest, pod *corev1.Pod) (verdict, error) {
	target := &inject.Target{
		Meta:     &pod.ObjectMeta,
		Spec:     &pod.Spec,
		Origin:   originOf(req.UserInfo, pod),
		Mutating: true,
	}
	d, err := a.decide(ctx, target, func(d inject.Decision) bool { return len(d.Errors()) > 0 })
	if err != nil {
		return verdict{}, err
	}
	if !d.optedIn {
		return skipped(reasonNotOptedIn), nil
	}
	if len(d.Errors()) > 0 {
		return refusedByFindings(req, pod, d.Decision), nil
	}

	// The class has to be there before the pod is stored, and in every round: somebody
	// may have deleted it since the last.
	if req.DryRun == nil || !*req.DryRun {
		for _, class := range d.Classes {
			if err := a.ensureClass(ctx, req.Namespace, class); err != nil {
				if a.refusal(err) {
					return refusedClass(req, class, err), nil
				}
				return verdict{}, fmt.Errorf("writing SecretProviderClass %s/%s: %w",
					line(req.Namespace, maxName), line(class.Name, maxName), err)
			}
		}
	}

	v := allowed(outcomeUnchanged)
	v.response.AuditAnnotations = auditOfPatch(d.Decision)
	if len(d.Patch) == 0 {
		return v, nil
	}
	patch, err := json.Marshal(d.Patch)
	if err != nil {
		return verdict{}, fmt.Errorf("writing the patch: %w", err)
	}
	patchType := admissionv1.PatchTypeJSONPatch
	v.outcome = outcomeInjected
	v.response.Patch = patch
	v.response.PatchType = &patchType
	return v, nil
}

func (a *Admission) ensureClass(ctx context.Context, namespace string, class inject.Class) error {
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
