package inject

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/rules"
)

// Class is a SecretProviderClass to decide about, and what it may have.
type Class struct {
	class  *facts.Class
	policy *policy.Policy
}

// ParseClass reads a class, once for all questions about it. The namespace is nil if it is
// not known.
func ParseClass(class *secretsstorev1.SecretProviderClass, ns *corev1.Namespace, s Settings) *Class {
	read := facts.NewClass(class)
	return &Class{class: read, policy: policy.ParseClass(read, ns, s, rules.Known())}
}

// VaultObjects are those that the vault is to be asked about.
func (c *Class) VaultObjects() []facts.VaultObject { return c.look(facts.Facts{}).VaultObjects() }

func (c *Class) look(f facts.Facts) *rules.Class {
	return &rules.Class{Class: c.class, Policy: c.policy, Facts: f}
}

// DecideClass runs those rules over a class that need nothing but the class itself, its
// namespace, the driver and the settings.
func DecideClass(c *Class, f facts.Facts) []finding.Finding {
	findings := slices.Concat(
		c.policy.NamespaceErrors.RestOn(finding.Namespace).Findings(finding.Warning),
		c.look(f).Check(),
	)
	for i := range findings {
		findings[i] = c.policy.Apply(findings[i])
	}
	return finding.Sort(append(findings, c.policy.Errors.Findings(finding.Error)...))
}

// DecideClassUpdate is DecideClass for a class that replaces another: only what the update
// brings is an error, and the pods that mount the class are warned about.
func DecideClassUpdate(now, before *Class, f facts.Facts) []finding.Finding {
	change := rules.ClassChange{Before: before.class, Now: now.class, MountedBy: f.MountedBy}
	return finding.Sort(append(onClassUpdate(DecideClass(now, f), DecideClass(before, f)), change.Check()...))
}

// DecideClassDeletion warns about the pods that mount the class that goes.
func DecideClassDeletion(before *Class, f facts.Facts) []finding.Finding {
	change := rules.ClassChange{Before: before.class, MountedBy: f.MountedBy}
	return change.Check()
}
