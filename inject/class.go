package inject

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/rules"
)

// Class is a SecretProviderClass to decide about, and the policy that applies to it.
type Class struct {
	class  *facts.Class
	policy *policy.Policy
}

// ParseClass reads a class and the policy of its namespace, which is nil if it is not known.
// Mistakes in the class are among the findings of [DecideClass].
func ParseClass(class *secretsstorev1.SecretProviderClass, ns *corev1.Namespace, s Settings) *Class {
	read := facts.NewClass(class)
	return &Class{class: read, policy: policy.ParseClass(read, ns, s, rules.Known())}
}

// VaultObjects returns the objects to query in the vault. The answers are facts of the decision.
func (c *Class) VaultObjects() []facts.VaultObject { return c.look(facts.Facts{}).VaultObjects() }

func (c *Class) look(f facts.Facts) *rules.Class {
	return &rules.Class{Class: c.class, Policy: c.policy, Facts: f}
}

// DecideClass runs the rules on a class, and returns their findings in a stable order, errors
// first.
func DecideClass(c *Class, f facts.Facts) []finding.Finding {
	allowed := c.policy.At(f.Now)
	findings := slices.Concat(
		c.policy.NamespaceErrors.RestOn(finding.Namespace).Findings(finding.Warning),
		c.look(f).Check(),
	)
	findings = slices.DeleteFunc(findings, allowed.Silences)
	for i := range findings {
		findings[i] = allowed.Apply(findings[i])
	}
	return finding.Sort(slices.Concat(findings, c.policy.Errors.Findings(finding.Error), allowed.Ended()))
}

// DecideClassUpdate is [DecideClass] for a class that replaces another. Errors that the class
// had before are warnings, and so is a change of a class that pods mount.
func DecideClassUpdate(now, before *Class, f facts.Facts) []finding.Finding {
	change := rules.ClassChange{Before: before.class, Now: now.class, MountedBy: f.MountedBy}
	findings := DecideClass(now, f)
	updated := onClassUpdate(findings, DecideClass(before, f))
	if !maps.Equal(now.class.Spec.Parameters, before.class.Spec.Parameters) {
		// Other objects of a vault outside the fence are as new as another vault would be.
		updated = append(slices.DeleteFunc(updated, fenced), slices.DeleteFunc(findings, func(f finding.Finding) bool { return !fenced(f) })...)
	}
	return finding.Sort(append(updated, change.Check()...))
}

// fenced reports whether a finding is about a vault outside the fence.
func fenced(f finding.Finding) bool { return f.Rule == rules.VaultNotAllowed().ID }

// DecideClassDeletion returns a warning if pods mount the deleted class.
func DecideClassDeletion(before *Class, f facts.Facts) []finding.Finding {
	change := rules.ClassChange{Before: before.class, MountedBy: f.MountedBy}
	return change.Check()
}

// ClassNeeds returns the facts that a decision about a class needs from the cluster.
func ClassNeeds(class *secretsstorev1.SecretProviderClass) facts.Needs {
	needs := facts.Needs{CSIDriver: true}
	for _, o := range class.Spec.SecretObjects {
		if o != nil && o.SecretName != "" && len(needs.Secrets) < maxSyncedSecrets {
			needs.Secrets = append(needs.Secrets, o.SecretName)
		}
	}
	return needs
}

// maxSyncedSecrets is how many Secrets of a class are looked for in others.
const maxSyncedSecrets = 100
