package webhook

import (
	"context"
	"time"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
)

// answerClass looks at a SecretProviderClass, and at who mounts one that changes or
// goes. A deletion is never refused.
func (a *Admission) answerClass(ctx context.Context, c *change) (verdict, error) {
	i := a.inquiry()
	findings, optedIn, err := a.decideClass(ctx, a.lookup(), i, c)
	if err == nil && optedIn && len(finding.Errors(findings)) > 0 {
		// A cached namespace may have another fence than the real one: see decide.
		i.again = true
		findings, optedIn, err = a.decideClass(ctx, a.liveLookup(), i, c)
	}
	switch {
	case err != nil:
		return verdict{}, err
	case !optedIn:
		return skipped(reasonNotOptedIn), nil
	case len(finding.Errors(findings)) > 0:
		return refusedByFindings(c, findings), nil
	}
	return passed(findings), nil
}

func (a *Admission) decideClass(ctx context.Context, l *lookup, i *inquiry, c *change) (findings []finding.Finding, optedIn bool, err error) {
	ns, err := l.namespace(ctx, c.req.Namespace)
	if err != nil || !annotation.OptedIn(ns) {
		return nil, false, err
	}
	known := facts.Facts{Namespace: ns, Now: a.now()}
	var before, now *inject.Class
	if c.before != nil {
		known.MountedBy = a.mounting(ctx, c.before)
		before = inject.ParseClass(c.before.class(), ns, a.settings())
	}
	if c.now == nil {
		return inject.DecideClassDeletion(before, known), true, nil
	}
	// Which identity is right depends on the tokens that the driver asks for.
	if err := l.add(ctx, &known, inject.ClassNeeds(c.now.class())); err != nil {
		return nil, false, err
	}
	now = inject.ParseClass(c.now.class(), ns, a.settings())
	i.add(ctx, &known, now.VaultObjects())
	if before == nil {
		return inject.DecideClass(now, known), true, nil
	}
	return inject.DecideClassUpdate(now, before, known), true, nil
}

// mountingBudget is how long a class waits for the names of the pods that mount it, which are only told.
const mountingBudget = 2 * time.Second

// mounting names the pods that mount a class. Where that is not known there is nothing
// to warn of: no class depends on it.
func (a *Admission) mounting(ctx context.Context, class *object) []string {
	ctx, cancel := context.WithTimeout(ctx, mountingBudget)
	defer cancel()
	pods, err := a.mountedBy(ctx, class.GetNamespace(), class.GetName())
	if err != nil {
		a.log.Error(err, "not known which pods mount a SecretProviderClass",
			"namespace", line(class.GetNamespace(), maxName), "name", line(class.GetName(), maxName))
		return nil
	}
	return pods
}

// class is the object where the path serves nothing but classes.
func (o *object) class() *secretsstorev1.SecretProviderClass {
	class, _ := o.Object.(*secretsstorev1.SecretProviderClass)
	return class
}
