package webhook

import (
	"context"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// question is what the engine is asked about a pod or a template.
type question struct {
	namespace string
	now       *workload.Target
	// before is the same object before an update, nil at a creation.
	before *workload.Target
	// complete is set where a pod that asks must have everything by now.
	complete bool
	// describe is set where the caller wants to know what the pods will get.
	describe bool
}

// decision is the engine's, and whether the namespace takes part at all.
type decision struct {
	inject.Decision
	optedIn bool
	// facts that it was made on.
	facts facts.Facts
	// description says what the pods will get.
	description []string
}

func (d *decision) refuses(q *question) bool {
	return len(d.Errors()) > 0 || q.complete && incomplete(&d.Decision)
}

// decide looks up the facts and asks the engine.
//
// Caches lag. Whoever creates a ServiceAccount and, a moment later, a pod that
// uses it must not be refused because it is missing. So what would be refused on cached
// facts is decided once more: the facts on which the errors rest are looked up live, and
// the second decision counts. What rests on no fact needs no second look. Objects that are
// refused are few, so this costs little. The same holds for what the vaults say; both
// looks together have no more time than one.
func (a *Admission) decide(ctx context.Context, q *question) (decision, error) {
	l, i := a.lookup(), a.inquiry()
	d, err := a.decideWith(ctx, l, i, q, nil)
	if err != nil || !d.optedIn || !d.refuses(q) {
		return d, err
	}
	again := d.restsOn(q)
	if !l.fromCache {
		again = 0
	}
	if again == 0 && !i.doubtful {
		return d, nil
	}
	i.again = true
	first := d.facts.Without(again)
	return a.decideWith(ctx, a.liveLookup(), i, q, &first)
}

// restsOn are the facts without which the object would not be refused.
func (d *decision) restsOn(q *question) finding.Lookups {
	if len(d.Errors()) == 0 && q.complete {
		// What is missing is missing by the plan, which rests on all of them.
		return finding.Namespace | finding.ServiceAccounts | finding.Classes
	}
	return finding.LookupsOf(d.Findings)
}

// decideWith decides on facts, those that are known and those that have to be looked up.
func (a *Admission) decideWith(ctx context.Context, l *lookup, i *inquiry, q *question, known *facts.Facts) (decision, error) {
	d := decision{}
	if known != nil {
		d.facts = *known
	}
	d.facts.Now = a.now()
	if d.facts.Namespace == nil {
		ns, err := l.namespace(ctx, q.namespace)
		if err != nil || !annotation.OptedIn(ns) {
			return decision{}, err
		}
		d.facts.Namespace = ns
	}
	d.optedIn = true
	request := inject.Parse(q.now, d.facts.Namespace, a.settings())
	if err := l.add(ctx, &d.facts, request.Needs()); err != nil {
		return decision{}, err
	}
	if q.before != nil && known == nil {
		// The pods of the workload itself are counted by what it becomes.
		had := inject.Parse(q.before, d.facts.Namespace, a.settings())
		for vault, calls := range had.Calls() {
			if counted, ok := d.facts.Calls[vault]; ok {
				d.facts.Calls[vault] = max(0, counted-calls)
			}
		}
	}
	d.Decision = inject.Decide(request, d.facts)
	i.add(ctx, &d.facts, d.VaultObjects)
	d.Decision = d.WithVault(d.facts)
	if q.before != nil && len(d.Errors()) > 0 {
		had, err := a.had(ctx, l, q.before, d.facts)
		if err != nil {
			return decision{}, err
		}
		d.Findings = inject.OnUpdate(&d.Decision, &had)
	}
	if q.describe && len(d.Errors()) == 0 {
		// Only these objects ask whether a generated class exists already.
		for _, class := range d.Classes {
			if err := l.add(ctx, &d.facts, facts.Needs{Classes: []string{class.Name}}); err != nil {
				return decision{}, err
			}
		}
		d.description = d.Describe(d.facts)
	}
	return d, nil
}

// had is the decision about an object before its update, on the same facts.
func (a *Admission) had(ctx context.Context, l *lookup, before *workload.Target, known facts.Facts) (inject.Decision, error) {
	request := inject.Parse(before, known.Namespace, a.settings())
	if err := l.add(ctx, &known, request.Needs()); err != nil {
		return inject.Decision{}, err
	}
	return inject.Decide(request, known), nil
}
