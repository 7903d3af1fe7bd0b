// Package request reads what a pod asks for: from its annotations, from its namespace's
// annotations and from the server's settings. Package policy determines what is allowed.
package request

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/annotation"
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
	Mounts []Mount

	ServiceAccount Setting
	ClientID       Setting
	TenantID       Setting
	Cloud          Setting
	Interval       Setting
	IdentityMode   Setting

	// Containers that the pod names; nil means those that it had when first admitted.
	Containers []string
	Env        []Env
	// IdentityLabel is set if the pod gets the workload identity label.
	IdentityLabel bool

	// OnRotation is what happens when a secret has been rotated.
	OnRotation OnRotation
	// MountedGate is set if the pod gets the readiness gate, and WantsGate if it asks for it.
	MountedGate, WantsGate bool

	// NamesObjects is set if the pod names something to mount, even if it has opted out.
	NamesObjects bool
	// AccountNow is the pod's current service account.
	AccountNow string

	// Errors in the annotations and labels.
	Errors finding.FieldErrors
	// TooLarge is set if a limit is exceeded, which Errors name. Nothing else is checked
	// then.
	TooLarge bool
}

// Mount is one volume that a pod asks for.
type Mount struct {
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
	// Complete is set if Objects could all be read.
	Complete bool
}

// Env is an environment variable that holds a mounted file's path.
type Env struct {
	Name, File string
	FieldPath  *finding.Place
}

// Level is where a setting was found.
type Level int

// Levels, from the nearest to the farthest.
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

// Parse reads the annotations of a pod and of its namespace. It collects every error; a
// request with errors has the parts that could be read.
func Parse(t *workload.Target, ns *corev1.Namespace, s Settings) *Request {
	if ns == nil {
		ns = &corev1.Namespace{}
	}
	p := &parser{Request: &Request{AccountNow: workload.AccountOf(t.Spec), IdentityLabel: true}, target: t, ns: ns, settings: s}
	p.parse()
	return p.Request
}

// Needs names the facts of the cluster that a decision about this pod needs.
func (r *Request) Needs(t *workload.Target) facts.Needs {
	var n facts.Needs
	if r.TooLarge {
		return n
	}
	classes := map[string]bool{}
	if r.Asks {
		// Even if there are no volumes yet: both rounds of an admission must have the
		// same findings.
		n.CSIDriver = true
		n.ServiceAccounts = []string{r.AccountNow}
		if planned := r.AccountPlanned(); planned != r.AccountNow {
			n.ServiceAccounts = append(n.ServiceAccounts, planned)
			slices.Sort(n.ServiceAccounts)
		}
		for _, m := range r.Mounts {
			if m.Class != "" {
				classes[m.Class] = true
			}
		}
	}
	n.Account = r.AccountPlanned()
	for vault := range r.Calls(t) {
		n.Vaults = append(n.Vaults, vault)
	}
	if mode := r.IdentityMode.Value; r.Generates() && (mode == annotation.IdentityBinding || mode == annotation.IdentityAuto) &&
		(r.ClientID.Level == Unset || r.ClientID.Value != "") {
		n.Binding = &facts.Binding{ClientID: r.ClientID.Value}
	}
	for _, name := range provider.ClassNames(t.Spec) {
		n.CSIDriver = true
		if !r.Asks {
			n.ServiceAccounts = []string{r.AccountNow}
		}
		// The content of a class that is generated for the pod is known. A reserved name that
		// a pod mounts without asking may be of a class that is older than the fence.
		if !r.Asks || !provider.Reserved(name) {
			classes[name] = true
		}
	}
	n.Secrets = workload.SecretNames(t.Spec)
	if len(classes) > 0 {
		n.Classes = slices.Sorted(maps.Keys(classes))
	}
	return n
}

// Calls are those that the pods of a workload that asks will have made to each vault each time that the driver asks for their volumes.
func (r *Request) Calls(t *workload.Target) map[facts.VaultRef]int {
	if !r.Asks || !t.Template || t.Replicas <= 0 || r.TooLarge || t.RunsToCompletion() {
		return nil
	}
	calls := map[facts.VaultRef]int{}
	for i := range r.Mounts {
		if m := &r.Mounts[i]; m.Class == "" && m.Vault != "" {
			calls[facts.VaultRef{Cloud: provider.CanonicalCloud(r.Cloud.Value), Vault: m.Vault}] += t.Replicas * provider.Calls(m.Objects)
		}
	}
	return calls
}

// AccountPlanned is the service account that the pod will have. An explicit one
// takes precedence over the namespace's; an explicit "default" looks the same as none.
func (r *Request) AccountPlanned() string {
	if r.ServiceAccount.Value != "" && r.AccountNow == workload.DefaultAccount {
		return r.ServiceAccount.Value
	}
	return r.AccountNow
}

// Generates reports whether a class is generated for one of the mounts.
func (r *Request) Generates() bool {
	return slices.ContainsFunc(r.Mounts, func(m Mount) bool { return m.Class == "" })
}
