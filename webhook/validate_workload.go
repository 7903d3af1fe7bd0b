package webhook

import (
	"context"

	"akv-injector/inject/workload"
)

// answerWorkload looks at the template of a workload, as all mutating webhooks have
// left it. An update is refused for what it brings, never for what was there: whoever
// restarts a workload, or bumps an image, must not be stopped by last year's mistake.
func (a *Admission) answerWorkload(ctx context.Context, c *change) (verdict, error) {
	// What a Deployment or a CronJob makes was looked at in its own template. A refusal
	// here would stop a rollout that was let through there.
	origin := originOf(c.req.UserInfo, c.now)
	if origin == workload.FromBuiltinController {
		return skipped(reasonController), nil
	}
	q := &question{namespace: c.req.Namespace, now: c.now.target(), describe: c.dryRun()}
	if q.now == nil {
		return skipped(reasonNoTemplate), nil
	}
	q.now.Origin = origin
	if c.before != nil {
		if q.before = c.before.target(); q.before != nil {
			q.before.Origin = origin
		}
	}
	d, err := a.decide(ctx, q)
	switch {
	case err != nil:
		return verdict{}, err
	case !d.optedIn:
		return skipped(reasonNotOptedIn), nil
	case len(d.Errors()) > 0:
		return refusedByFindings(c, d.Findings), nil
	}
	return passed(d.Findings, d.description...), nil
}
