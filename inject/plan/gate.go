package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/workload"
)

func gateMounted() corev1.PodReadinessGate {
	return corev1.PodReadinessGate{ConditionType: annotation.ConditionMounted}
}

// hasGate reports whether a pod has the readiness gate already.
func hasGate(spec *corev1.PodSpec) bool { return slices.Contains(spec.ReadinessGates, gateMounted()) }

func (p *Plan) patchGate(out *patcher, t *workload.Target) {
	if p.gate {
		have := len(t.Spec.ReadinessGates) > 0
		out.appendTo(&have, "/spec/readinessGates", gateMounted())
	}
}

func (p *Plan) applyGate(spec *corev1.PodSpec) {
	if p.gate {
		spec.ReadinessGates = append(slices.Clone(spec.ReadinessGates), gateMounted())
	}
}
