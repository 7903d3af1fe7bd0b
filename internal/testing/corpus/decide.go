package corpus

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// Target is the case's pod or template as the engine takes it, nil for a class.
func (c *Case) Target() *workload.Target { return c.circumstances(c.Object) }

// OldTarget is the template before the update, or nil.
func (c *Case) OldTarget() *workload.Target { return c.circumstances(c.Old) }

// TargetOf is another pod, such as the patched one, under the case's circumstances.
func (c *Case) TargetOf(pod *corev1.Pod) *workload.Target { return c.circumstances(pod) }

func (c *Case) circumstances(o runtime.Object) *workload.Target {
	t := workload.TargetOf(o)
	if t == nil {
		return nil
	}
	t.Origin = origins[c.Options.Origin]
	if !t.Template {
		t.Mutating, t.Admitted = c.Mutating(), c.Options.Admitted
	}
	return t
}

// Request is what the case's pod or template asks for.
func (c *Case) Request() *inject.Request { return c.requestOf(c.Target()) }

func (c *Case) requestOf(t *workload.Target) *inject.Request {
	return inject.Parse(t, c.NamespaceObject(), c.Settings())
}

// Facts are those that the case's object needs, and no others: what a decision uses
// without having said so is missing here too.
func (c *Case) Facts() facts.Facts {
	if class := c.Class(); class != nil {
		return c.ClassFacts(class)
	}
	return c.FactsFor(c.Request().Needs())
}

// Decide is the engine's decision about the case's pod or template; for an update, about
// what it becomes, as if it were created.
func (c *Case) Decide() inject.Decision { return c.DecideTarget(c.Target()) }

// DecideTarget is the decision about another target in the case's cluster.
func (c *Case) DecideTarget(t *workload.Target) inject.Decision {
	r := c.requestOf(t)
	return inject.Decide(r, c.FactsFor(r.Needs()))
}

// Findings are what the engine says of the object, by the operation.
func (c *Case) Findings() []finding.Finding {
	if c.Unseen() {
		return nil
	}
	if c.Class() != nil {
		return c.classFindings()
	}
	now := c.Decide()
	if c.Operation() != Update {
		return now.Findings
	}
	before := c.DecideTarget(c.OldTarget())
	return inject.OnUpdate(&now, &before)
}

func (c *Case) classFindings() []finding.Finding {
	parse := func(o runtime.Object) *inject.Class {
		class, ok := o.(*secretsstorev1.SecretProviderClass)
		if !ok {
			return nil
		}
		return inject.ParseClass(class, c.NamespaceObject(), c.Settings())
	}
	now, before := parse(c.Object), parse(c.Old)
	switch c.Operation() {
	case Delete:
		return inject.DecideClassDeletion(before, c.Facts())
	case Update:
		return inject.DecideClassUpdate(now, before, c.Facts())
	}
	return inject.DecideClass(now, c.Facts())
}

// Description is what the engine says of a workload's pods.
func (c *Case) Description() []string {
	if !c.Workload() || c.Unseen() {
		return nil
	}
	r := c.Request()
	f := c.FactsFor(r.Needs())
	d := inject.Decide(r, f)
	d.Findings = c.Findings() // with what was there before an update, too
	for _, class := range d.Classes {
		stored, _ := lookup[*secretsstorev1.SecretProviderClass](c.objects, "SecretProviderClass", class.Name)
		f.Classes[class.Name] = facts.NewClass(stored)
	}
	return d.Describe(f)
}
