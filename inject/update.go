package inject

import (
	"k8s.io/apimachinery/pkg/api/equality"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// letPass is said of an error that an update did not bring.
const letPass = "let pass: it was so before this update"

// OnUpdate turns those errors into warnings that the object had before: whoever scales,
// restarts or bumps an image must not be stopped by what was there already. An update
// that leaves the pods as they were brings no error at all.
func OnUpdate(now, before *workload.Target, findings, had []Finding) []Finding {
	if equality.Semantic.DeepEqual(now.Spec, before.Spec) &&
		equality.Semantic.DeepEqual(now.Meta.Annotations, before.Meta.Annotations) &&
		equality.Semantic.DeepEqual(now.Meta.Labels, before.Meta.Labels) {
		return spareKnown(findings, func(Finding) bool { return true })
	}
	return spareHad(findings, had, same(now), same(before))
}

// OnClassUpdate is OnUpdate for a SecretProviderClass, whose objects are a list without names.
func OnClassUpdate(findings, had []Finding) []Finding {
	same := func(f Finding) sameFinding { return sameFinding{f.Rule, f.Place.Shape(), f.Message} }
	return spareHad(findings, had, same, same)
}

// spareHad spares each finding once for each time that the object had it before.
func spareHad(findings, had []Finding, now, before func(Finding) sameFinding) []Finding {
	counts := map[sameFinding]int{}
	for _, f := range had {
		counts[before(f)]++
	}
	return spareKnown(findings, func(f Finding) bool {
		key := now(f)
		counts[key]--
		return counts[key] >= 0
	})
}

func spareKnown(findings []Finding, known func(Finding) bool) []Finding {
	spared := make([]Finding, 0, len(findings))
	for _, f := range findings {
		if f.Severity == Error && known(f) {
			f = f.Downgraded(letPass)
		}
		spared = append(spared, f)
	}
	return finding.Sort(spared)
}

// sameFinding is what two findings have in common that are about the same thing, in
// objects whose lists may be in another order.
type sameFinding struct{ rule, place, message string }

func same(t *workload.Target) func(Finding) sameFinding {
	return func(f Finding) sameFinding { return sameFinding{f.Rule, t.Identity(f.Place), f.Message} }
}
