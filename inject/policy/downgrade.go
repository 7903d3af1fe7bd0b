package policy

import (
	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// Apply is a finding under the policy: an error is downgraded to a warning if its rule is
// waived, or if the pod is exempt from it.
func (p *Policy) Apply(f finding.Finding) finding.Finding {
	if f.Severity != finding.Error {
		return f
	}
	rule := p.rules.ByID(f.Rule)
	if rule != nil && rule.Waivable {
		f.Lookups |= finding.Namespace // its rotation-policy
		switch {
		case p.waives(p.waived, f.Rule):
			f = f.Downgraded("allowed: waived by the allow annotation")
		case p.lax:
			f = f.Downgraded("allowed: the namespace has rotation-policy: warn")
		}
	}
	if f.Severity == finding.Error && p.exempt(rule) {
		f.Severity = finding.Warning
	}
	return f
}

// Silences reports whether a finding that refuses nothing is waived: it is not shown at all. What would be
// refused is shown even so.
func (p *Policy) Silences(f finding.Finding) bool {
	return f.Severity == finding.Warning && f.Rule != "" && p.waives(p.waived, f.Rule)
}

// exempt reports whether the rule does not refuse the pod, since a controller created it. The
// place to refuse it was its template: a pod that ran before must be able to start again
// after its node is drained.
func (p *Policy) exempt(rule *finding.Rule) bool {
	if p.origin == workload.FromUser {
		return false
	}
	if rule == nil {
		// Volumes of reserved names. Any service account can write a controller reference.
		return !p.asks && p.origin == workload.FromBuiltinController
	}
	switch rule.Exempts {
	case finding.AskingToo:
		return true
	case finding.NoPods:
		return false
	case finding.NotAsking:
	}
	return !p.asks
}

// TooLarge is the severity for a pod that is too large to be checked: an error, unless one of
// the cluster's own controllers created the pod, it asks for nothing, and its namespace may
// use any vault.
func (p *Policy) TooLarge(t *workload.Target) finding.Severity {
	if t.Origin == workload.FromBuiltinController && len(annotation.Ours(t.Meta.Annotations)) == 0 && !p.Fence.IsSet() {
		return finding.Warning
	}
	return finding.Error
}
