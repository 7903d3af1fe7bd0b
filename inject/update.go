package inject

import (
	"k8s.io/apimachinery/pkg/api/equality"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// alreadyPresent is the reason to downgrade an error that the update did not add.
const alreadyPresent = "allowed: already present before this update"

// OnUpdate returns the findings about an object that replaces another. Errors that the object
// had before are warnings, so that old mistakes do not block scaling, a restart or a new
// image. An update that does not change the pods has no errors.
func OnUpdate(now, before *Decision) []finding.Finding {
	a, b := now.request.Target, before.request.Target
	if equality.Semantic.DeepEqual(a.Spec, b.Spec) &&
		equality.Semantic.DeepEqual(a.Meta.Annotations, b.Meta.Annotations) &&
		equality.Semantic.DeepEqual(a.Meta.Labels, b.Meta.Labels) {
		return downgradeIf(now.Findings, func(finding.Finding) bool { return true })
	}
	return downgradeOld(now.Findings, before.Findings, same(a), same(b))
}

// onClassUpdate is OnUpdate for a SecretProviderClass, whose objects are a list without names.
func onClassUpdate(findings, had []finding.Finding) []finding.Finding {
	same := func(f finding.Finding) sameFinding { return sameFinding{f.Rule, f.Place.Shape(), f.Message} }
	return downgradeOld(findings, had, same, same)
}

// downgradeOld downgrades each error as often as the object had it before.
func downgradeOld(findings, had []finding.Finding, now, before func(finding.Finding) sameFinding) []finding.Finding {
	counts := map[sameFinding]int{}
	for _, f := range had {
		counts[before(f)]++
	}
	return downgradeIf(findings, func(f finding.Finding) bool {
		if f.Lasting {
			return false
		}
		key := now(f)
		counts[key]--
		return counts[key] >= 0
	})
}

// downgradeIf downgrades the errors that were known before the update.
func downgradeIf(findings []finding.Finding, known func(finding.Finding) bool) []finding.Finding {
	downgraded := make([]finding.Finding, 0, len(findings))
	for _, f := range findings {
		if f.Severity == finding.Error && known(f) {
			f = f.Downgraded(alreadyPresent)
		}
		downgraded = append(downgraded, f)
	}
	return finding.Sort(downgraded)
}

// sameFinding is equal for two findings about the same problem, even if the lists of their
// objects are in another order.
type sameFinding struct{ rule, place, message string }

func same(t *workload.Target) func(finding.Finding) sameFinding {
	return func(f finding.Finding) sameFinding { return sameFinding{f.Rule, t.Identity(f.Place), f.Message} }
}
