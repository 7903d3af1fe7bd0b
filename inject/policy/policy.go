// Package policy determines what is allowed for a pod or class: the fence around its vaults,
// the rules that are waived for it, and the pods that get a warning instead of a refusal.
package policy

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/request"
	"akv-injector/inject/workload"
)

// Policy is what applies to one pod, template or class.
type Policy struct {
	// DrivesRotation is set if akv-injector has the kubelet ask the driver in time.
	DrivesRotation bool
	// Restarts is set if akv-injector restarts workloads that ask for it.
	Restarts bool
	// Fence around the vaults.
	Fence Fence
	// VaultChecks is off, warn or enforce; empty is off.
	VaultChecks string
	// VaultExpiryWarning is how long before its expiry an object causes a warning.
	VaultExpiryWarning time.Duration

	// Errors in the waivers.
	Errors finding.FieldErrors
	// NamespaceErrors are the errors in the namespace's annotations.
	NamespaceErrors finding.FieldErrors

	rules  Rules
	waived Waivers
	// now is when waivers are looked at; zero if it is not known.
	now time.Time
	// forbidWaivers is the server's --forbid-allow.
	forbidWaivers bool
	lax           bool // rotation-policy: warn
	asks          bool
	origin        workload.Origin
}

// Parse reads the policy for a pod or template. A pod that is too large to be checked has
// only the policy of its namespace.
func Parse(t *workload.Target, r *request.Request, ns *corev1.Namespace, s request.Settings, rules Rules) *Policy {
	p := forNamespace(ns, s, rules)
	p.asks, p.origin = r.Asks, t.Origin
	if !r.TooLarge {
		p.parseWaivers(t, r.NamesObjects)
	}
	return p
}

// ParseClass reads the policy for a SecretProviderClass.
func ParseClass(class *facts.Class, ns *corev1.Namespace, s request.Settings, rules Rules) *Policy {
	p := forNamespace(ns, s, rules)
	p.parseClass(class)
	return p
}

// At is the policy at a time.
func (p *Policy) At(now time.Time) *Policy {
	then := *p
	then.now = now
	return &then
}

// forNamespace reads the policy that a namespace sets for the objects in it.
func forNamespace(ns *corev1.Namespace, s request.Settings, rules Rules) *Policy {
	if ns == nil {
		ns = &corev1.Namespace{}
	}
	p := &Policy{
		rules: rules, forbidWaivers: s.ForbidAllow,
		VaultChecks: s.VaultChecks, VaultExpiryWarning: s.VaultExpiryWarning,
		NamespaceErrors: request.CheckNamespace(ns),
	}
	var errs finding.FieldErrors
	p.Fence, errs = ParseFence(ns, s.AllowedVaults)
	p.NamespaceErrors = append(p.NamespaceErrors, errs...)
	p.lax = p.word(ns, annotation.RotationPolicy, []string{"enforce", "warn"}) == "warn"
	stops := p.word(ns, annotation.Rotation, []string{annotation.RotationOn, annotation.RotationOff}) == annotation.RotationOff
	p.DrivesRotation, p.Restarts = s.DrivesRotation && !stops, s.Restarts && !stops
	if checks := p.word(ns, annotation.VaultChecks, vaultChecks); checks != "" {
		p.VaultChecks = checks
	}
	return p
}

// word reads an annotation of the namespace that must have one of a few values. It returns
// "" for any other, and if there is none.
func (p *Policy) word(ns *corev1.Namespace, key string, values []string) string {
	value, ok := ns.Annotations[key]
	if !ok {
		return ""
	}
	word := strings.TrimSpace(value)
	if slices.Contains(values, word) {
		return word
	}
	p.NamespaceErrors = append(p.NamespaceErrors, finding.NotSupported(request.NamespaceAnnotation(key), value, values))
	return ""
}

// ChecksVaults reports whether vaults are to be queried.
func (p *Policy) ChecksVaults() bool {
	return p.VaultChecks == VaultChecksWarn || p.VaultChecks == VaultChecksEnforce
}
