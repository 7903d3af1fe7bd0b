package webhook

import (
	"context"

	"akv-injector/inject"
)

// decision is the engine's, and whether the namespace takes part at all.
type decision struct {
	inject.Decision
	optedIn bool
}

// decide looks up the facts and asks the engine.
//
// Caches lag. Whoever creates a ServiceAccount and, a moment later, a pod that
// uses it must not be told that it is missing. So what would be refused on cached
// facts is looked up again, all of it, and decided once more; the second decision
// counts. Pods that are refused are few, so this costs little.
func (a *Admission) decide(ctx context.Context, t *inject.Target, refuses func(inject.Decision) bool) (decision, error) {
	l := &lookup{cached: a.cached, live: a.live}
	d, err := a.decideWith(ctx, l, t)
	if err != nil || !l.fromCache || !d.optedIn || !refuses(d.Decision) {
		return d, err
	}
	return a.decideWith(ctx, &lookup{live: a.live, onlyLive: true}, t)
}

func (a *Admission) decideWith(ctx context.Context, l *lookup, t *inject.Target) (decision, error) {
	ns, err := l.namespace(ctx, t.Meta.Namespace)
	if err != nil || !inject.OptedIn(ns) {
		return decision{}, err
	}
	request := inject.Parse(t, ns, a.settings)
	facts, err := l.facts(ctx, ns, request.Needs())
	if err != nil {
		return decision{}, err
	}
	return decision{Decision: inject.Decide(t, request, facts), optedIn: true}, nil
}
