package webhook

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
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
	// describe is set where somebody wants to know what the pods will get.
	describe bool
}

// decision is the engine's, and whether the namespace takes part at all.
type decision struct {
	inject.Decision
	optedIn bool
	// description says what the pods will get.
	description []string
}

func (d *decision) refuses(q *question) bool {
	return len(d.Errors()) > 0 || q.complete && incomplete(&d.Decision)
}

// decide looks up the facts and asks the engine.
//
// Caches lag. Whoever creates a ServiceAccount and, a moment later, a pod that
// uses it must not be told that it is missing. So what would be refused on cached
// facts is looked up again, all of it, and decided once more; the second decision
// counts. Objects that are refused are few, so this costs little. So with what the vaults
// say; for both times there is no more time than for one.
func (a *Admission) decide(ctx context.Context, q *question) (decision, error) {
	l, i := a.lookup(), a.inquiry()
	d, err := a.decideWith(ctx, l, i, q)
	if err != nil || !l.fromCache && !i.doubtful || !d.optedIn || !d.refuses(q) {
		return d, err
	}
	i.again = true
	return a.decideWith(ctx, a.liveLookup(), i, q)
}

func (a *Admission) decideWith(ctx context.Context, l *lookup, i *inquiry, q *question) (decision, error) {
	ns, err := l.namespace(ctx, q.namespace)
	if err != nil || !annotation.OptedIn(ns) {
		return decision{}, err
	}
	request := inject.Parse(q.now, ns, a.settings)
	known, err := l.gather(ctx, ns, request.Needs())
	if err != nil {
		return decision{}, err
	}
	d := decision{Decision: inject.Decide(q.now, request, known), optedIn: true}
	i.add(ctx, &known, d.VaultObjects)
	d.Decision = d.WithVault(request, known)
	if q.before != nil && len(d.Errors()) > 0 {
		had, err := a.had(ctx, l, q.before, ns, known)
		if err != nil {
			return decision{}, err
		}
		d.Findings = inject.OnUpdate(q.now, q.before, d.Findings, had)
	}
	if q.describe && len(d.Errors()) == 0 {
		// Whether a generated class is there already is nobody else's question.
		for _, class := range d.Classes {
			if err := l.add(ctx, &known, facts.Needs{Classes: []string{class.Name}}); err != nil {
				return decision{}, err
			}
		}
		d.description = inject.Describe(q.now, request, known, &d.Decision)
	}
	return d, nil
}

// had is what was found on an object before its update, on the same facts.
func (a *Admission) had(ctx context.Context, l *lookup, before *workload.Target, ns *corev1.Namespace, known facts.Facts) ([]inject.Finding, error) {
	request := inject.Parse(before, ns, a.settings)
	if err := l.add(ctx, &known, request.Needs()); err != nil {
		return nil, err
	}
	return inject.Decide(before, request, known).Findings, nil
}
