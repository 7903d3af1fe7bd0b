package inject

import (
	"k8s.io/apimachinery/pkg/api/equality"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// letPass is said of an error that an update did not bring.
const letPass = "allowed: already present before this update"

// OnUpdate are the findings about an object that replaces another. Those errors are
// warnings that the object had before: whoever scales, restarts or bumps an image must not
// be stopped by what was there already. An update that leaves the pods as they were brings
// no error at all.
func OnUpdate(now, before *Decision) []finding.Finding {
	a, b := now.request.Target, before.request.Target
	if equality.Semantic.DeepEqual(a.Spec, b.Spec) &&
		equality.Semantic.DeepEqual(a.Meta.Annotations, b.Meta.Annotations) &&
		equality.Semantic.DeepEqual(a.Meta.Labels, b.Meta.Labels) {
		return spareKnown(now.Findings, func(finding.Finding) bool { return true })
	}
	return spareHad(now.Findings, before.Findings, same(a), same(b))
}

// onClassUpdate is OnUpdate for a SecretProviderClass, whose objects are a list without names.
func onClassUpdate(findings, had []finding.Finding) []finding.Finding {
	same := func(f finding.Finding) sameFinding { return sameFinding{f.Rule, f.Place.Shape(), f.Message} }
	return spareHad(findings, had, same, same)
}

// spareHad spares each finding once for each time that the object had it before.
func spareHad(findings, had []finding.Finding, now, before func(finding.Finding) sameFinding) []finding.Finding {
	counts := map[sameFinding]int{}
	for _, f := range had {
		counts[before(f)]++
	}
	return spareKnown(findings, func(f finding.Finding) bool {
		key := now(f)
		counts[key]--
		return counts[key] >= 0
	})
}

func spareKnown(findings []finding.Finding, known func(finding.Finding) bool) []finding.Finding {
	spared := make([]finding.Finding, 0, len(findings))
	for _, f := range findings {
		if f.Severity == finding.Error && known(f) {
			f = f.Downgraded(letPass)
		}
		spared = append(spared, f)
	}
	return finding.Sort(spared)
}

// sameFinding is what two findings have in common that are about the same thing, in
// objects whose lists may be in another order.
type sameFinding struct{ rule, place, message string }

func same(t *workload.Target) func(finding.Finding) sameFinding {
	return func(f finding.Finding) sameFinding { return sameFinding{f.Rule, t.Identity(f.Place), f.Message} }
}
