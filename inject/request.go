package inject

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// Request is what a pod asks for, resolved from its annotations, its namespace's
// and the server's settings.
type Request struct {
	// Asks is set if the pod asks for injection and has not opted out.
	Asks bool
	// Mounts that the pod gets: the named class first, then the vaults by name.
	Mounts []MountRequest

	ServiceAccount Setting
	ClientID       Setting
	TenantID       Setting
	Cloud          Setting
	Interval       Setting

	// Containers that were named; nil stands for those that the pod had at first.
	Containers []string
	Env        []EnvRequest
	// IdentityLabel is set if the pod gets the workload identity label.
	IdentityLabel bool

	// Errors in the annotations, and what the fence and the policy say.
	Errors finding.FieldErrors
	// NamespaceErrors are those in the namespace's annotations.
	NamespaceErrors finding.FieldErrors

	Fence Fence
	allow map[string]bool
	lax   bool // rotation-policy: warn
	// vaultChecks is off, warn or enforce; empty is off.
	vaultChecks        string
	vaultExpiryWarning time.Duration
	// tooLarge is set where a bound is exceeded; Errors say which. Nothing else is
	// looked at then.
	tooLarge bool
	// forbidAllow and version are the server's.
	forbidAllow bool
	version     string
	target      *workload.Target
}

// MountRequest is one volume that a pod asks for.
type MountRequest struct {
	// Class is an existing class's name; empty where one is generated for Vault.
	Class string
	// Vault in lower case; empty where Class is named.
	Vault   string
	Objects []provider.Object
	// Path in the container.
	Path string
	// Volume's name in the pod.
	Volume string
	// FieldPath of the annotation that asks for it.
	FieldPath *finding.Place
	// parsed is set if Objects is complete.
	parsed bool
}

// EnvRequest is an environment variable that holds a mounted file's path.
type EnvRequest struct {
	Name, File string
	FieldPath  *finding.Place
}

// Level says where a setting was found.
type Level int

// From the nearest to the farthest.
const (
	Unset Level = iota
	OnPod
	OnNamespace
	OnServer
	OnServiceAccount
)

// Setting is a value and where it was found.
type Setting struct {
	Value string
	Level Level
	Path  *finding.Place
}

// Parse reads the annotations of a pod and of its namespace. Every error is
// collected; with errors the rest is what could be made of it.
func Parse(t *workload.Target, ns *corev1.Namespace, s Settings) *Request {
	p := &parser{Request: &Request{target: t, IdentityLabel: true, forbidAllow: s.ForbidAllow, version: s.Version}, ns: ns, settings: s}
	p.parse()
	return p.Request
}

// Needs names what Decide has to know of the cluster for this pod.
func (r *Request) Needs() facts.Needs {
	var n facts.Needs
	if r.tooLarge {
		return n
	}
	classes := map[string]bool{}
	if r.Asks {
		// Not only where volumes are there already: both rounds of an admission must
		// come to the same findings.
		n.CSIDriver = true
		accounts := map[string]bool{r.accountNow(): true, r.accountPlanned(): true}
		for name := range accounts {
			n.ServiceAccounts = append(n.ServiceAccounts, name)
		}
		slices.Sort(n.ServiceAccounts)
		for _, m := range r.Mounts {
			if m.Class != "" {
				classes[m.Class] = true
			}
		}
	}
	for i := range r.target.Spec.Volumes {
		if name, ok := provider.ClassName(&r.target.Spec.Volumes[i]); ok && name != "" {
			n.CSIDriver = true
			if !r.Asks {
				n.ServiceAccounts = []string{r.accountNow()}
			}
			// A generated class is known by its content; only what others wrote is looked up.
			if !provider.Reserved(name) {
				classes[name] = true
			}
		}
	}
	for name := range classes {
		n.Classes = append(n.Classes, name)
	}
	slices.Sort(n.Classes)
	return n
}

// checksVaults tells whether vaults are to be asked.
func (r *Request) checksVaults() bool {
	return r.vaultChecks == VaultChecksWarn || r.vaultChecks == VaultChecksEnforce
}

// accountNow is the service account that the pod has as it stands.
func (r *Request) accountNow() string { return workload.AccountOf(r.target.Spec) }

// accountPlanned is the service account that the pod will have. An explicit one
// wins over the namespace's; an explicit "default" cannot be told from none.
func (r *Request) accountPlanned() string {
	now := r.accountNow()
	if r.ServiceAccount.Value != "" && now == workload.DefaultAccount {
		return r.ServiceAccount.Value
	}
	return now
}

// policy applies what lets a waivable rule pass.
func (r *Request) policy(f Finding) Finding {
	if f.Severity != Error {
		return f
	}
	rule := RuleByID(f.Rule)
	if rule == nil || !rule.Waivable {
		return f
	}
	switch {
	case r.allow[f.Rule]:
		return f.Downgraded("let pass by the allow annotation")
	case r.lax:
		return f.Downgraded("let pass by the namespace's rotation-policy: warn")
	}
	return f
}

// Accounts are the service account that the pod has as it stands, and the one that it
// will have.
func (r *Request) Accounts() (now, planned string) { return r.accountNow(), r.accountPlanned() }
