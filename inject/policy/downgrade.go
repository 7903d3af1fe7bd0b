package policy

import (
	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// Apply is a finding as the policy lets it be: an error of a rule that is waived, or from
// which the pod is spared, is a warning.
func (p *Policy) Apply(f finding.Finding) finding.Finding {
	if f.Severity != finding.Error {
		return f
	}
	rule := p.rules.ByID(f.Rule)
	if rule != nil && rule.Waivable {
		f.Lookups |= finding.Namespace // its rotation-policy
		switch {
		case p.waived[f.Rule]:
			f = f.Downgraded("let pass by the allow annotation")
		case p.lax:
			f = f.Downgraded("let pass by the namespace's rotation-policy: warn")
		}
	}
	if f.Severity == finding.Error && p.spares(rule) {
		f.Severity = finding.Warning
	}
	return f
}

// spares reports whether the pod is one that the rule does not refuse: a pod that a
// controller made. Its template was the place to refuse it, and a drained node must not
// strand what ran yesterday.
func (p *Policy) spares(rule *finding.Rule) bool {
	if p.origin == workload.FromUser {
		return false
	}
	if rule == nil {
		return !p.asks
	}
	switch rule.Spares {
	case finding.AskingToo:
		return true
	case finding.BuiltinOnly:
		return !p.asks && p.origin == workload.FromBuiltinController
	case finding.NotAsking:
	}
	return !p.asks
}

// TooLarge is the severity of a pod's size: an error, except that a pod that one of the
// cluster's own controllers made, and that asks for nothing, is admitted unseen.
func TooLarge(t *workload.Target) finding.Severity {
	if t.Origin == workload.FromBuiltinController && len(annotation.Ours(t.Meta.Annotations)) == 0 {
		return finding.Warning
	}
	return finding.Error
}
