package webhook

import (
	"context"

	"akv-injector/inject"
	"akv-injector/inject/workload"
)

// answerPod sees the pod as all mutating webhooks have left it. A pod that asks must
// have everything by now: what the engine would still change was undone by another
// webhook, or never done.
func (a *Admission) answerPod(ctx context.Context, c *change) (verdict, error) {
	target := workload.TargetOf(c.now.Object)
	target.Origin = originOf(c.req.UserInfo, c.now)
	target.Admitted = true
	d, err := a.decide(ctx, &question{namespace: c.req.Namespace, now: target, complete: true})
	if err != nil {
		return verdict{}, err
	}
	switch {
	case !d.optedIn:
		return skipped(reasonNotOptedIn), nil
	case len(d.Errors()) > 0:
		return refusedByFindings(c, d.Findings), nil
	case incomplete(&d.Decision):
		return refusedIncomplete(c, &d.Decision), nil
	}
	return passed(d.Findings), nil
}

// incomplete reports whether a pod that asks lacks something that it should have got.
func incomplete(d *inject.Decision) bool { return d.Injected && len(d.Patch) > 0 }
