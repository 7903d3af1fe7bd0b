package plan

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/request"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// accountPlan is the service account that the pod gets, and what to replace of the additions
// that the API server's ServiceAccount plugin made for its old one. The plugin runs before
// webhooks and again after them, but the second time it only adds (Kubernetes 1.37.2,
// plugin/pkg/admission/serviceaccount).
type accountPlan struct {
	// name is empty if the account does not change.
	name string
	// pullSecrets replace the old account's.
	replacePullSecrets bool
	pullSecrets        []corev1.LocalObjectReference
	// tokenVolume is the index of the token volume to remove, or -1.
	tokenVolume int
}

// AccountObstacle is a problem of the service account that the pod will run as.
type AccountObstacle struct {
	Kind AccountObstacleKind
	// Account is the account's name.
	Account string
	// Place where the account was named.
	Place *finding.Place
	// Value that is wrong, and its Problem.
	Value   string
	Problem finding.Problem
}

// AccountObstacleKind is what is wrong with a service account.
type AccountObstacleKind int

// Kinds of obstacles.
const (
	// NoAccount means that the account does not exist.
	NoAccount AccountObstacleKind = iota
	// NoClientID means that neither the account nor an annotation names an identity.
	NoClientID
	// BadClientID means that the account's client id is not a client id.
	BadClientID
)

func (p *planner) planAccount() {
	p.account.tokenVolume = -1
	if p.r.ServiceAccount.Level != request.Unset && p.r.ServiceAccount.Value == "" {
		return // the parser reported it
	}
	now, planned := p.r.AccountNow, p.r.AccountPlanned()
	account, looked := p.f.ServiceAccounts[planned]
	if !looked {
		return // not known, as in a linter
	}
	p.checkAccount(planned, account)
	if account == nil || now == planned {
		return
	}
	p.account.name = planned
	p.planPullSecrets(p.f.ServiceAccounts[now], account)
	p.planToken(account)
}

func (p *planner) checkAccount(name string, account *corev1.ServiceAccount) {
	place := p.r.ServiceAccount.Path
	if place == nil || p.r.AccountNow == name {
		place = p.t.SpecPath().Child("serviceAccountName")
	}
	if account == nil {
		p.obstruct(AccountObstacle{Kind: NoAccount, Account: name, Place: place})
		return
	}
	if !p.r.Generates() {
		return
	}
	if p.r.ClientID.Level == request.Unset { // else the parser checked it
		client := p.clientID()
		if client == "" {
			p.obstruct(AccountObstacle{Kind: NoClientID, Account: name, Place: place})
		} else if problem := provider.ClientIDProblem(client); problem.Found() {
			p.obstruct(AccountObstacle{Kind: BadClientID, Account: name, Place: place, Value: client, Problem: problem})
		}
	}
	if p.r.TenantID.Level == request.Unset {
		p.checkAccountTenant(name, place)
	}
}

func (p *planner) obstruct(o AccountObstacle) { p.AccountObstacles = append(p.AccountObstacles, o) }

// checkAccountTenant only warns on a template: the ServiceAccount is often applied after
// the workload, and must exist only when the pods are created.
func (p *planner) checkAccountTenant(name string, place *finding.Place) {
	tenant := p.tenantID()
	if tenant == "" {
		p.fail(field.ErrorTypeRequired, p.t.AnnotationPath(annotation.TenantID),
			"No tenant is known for the vault: neither the pod, the namespace, the server's --tenant-id nor the ServiceAccount names one.",
			fmt.Sprintf("Set %s on the namespace, or run: %s", annotation.TenantID, p.annotateAccount("", name, provider.AnnotationTenantID+"={tenant-id}")))
	} else if problem := provider.TenantProblem(tenant); problem.Found() {
		p.fail(field.ErrorTypeInvalid, place,
			fmt.Sprintf("The ServiceAccount %q has the value %q in its annotation %s: %s.", text.Shorten(name), text.Shorten(tenant), provider.AnnotationTenantID, problem),
			"Run: "+p.annotateAccount("--overwrite ", name, provider.AnnotationTenantID+"={tenant-id}"))
	} else {
		return
	}
	if p.t.Template {
		p.Errors[len(p.Errors)-1].Severity = finding.Warning
	}
}

func (p *planner) annotateAccount(options, account, annotation string) string {
	return text.Command("kubectl annotate "+options+"serviceaccount (-n {namespace}) {account} "+annotation,
		text.Values{"namespace": p.t.Namespace(), "account": account})
}

// clientID returns the identity that reads the vaults.
func (p *planner) clientID() string {
	if p.r.ClientID.Level != request.Unset {
		return p.r.ClientID.Value
	}
	return p.fromAccount(provider.AnnotationClientID)
}

func (p *planner) tenantID() string {
	if p.r.TenantID.Level != request.Unset {
		return p.r.TenantID.Value
	}
	return p.fromAccount(provider.AnnotationTenantID)
}

func (p *planner) fromAccount(key string) string {
	if account := p.f.ServiceAccounts[p.r.AccountPlanned()]; account != nil {
		return strings.TrimSpace(account.Annotations[key])
	}
	return ""
}

// planPullSecrets replaces the pull secrets that the plugin copied from the old account.
// The plugin copies only into an empty list, so a list equal to that of the old account is
// its copy.
func (p *planner) planPullSecrets(old, planned *corev1.ServiceAccount) {
	have := p.t.Spec.ImagePullSecrets
	if old == nil || len(have) == 0 || !equality.Semantic.DeepEqual(have, old.ImagePullSecrets) {
		return
	}
	if equality.Semantic.DeepEqual(have, planned.ImagePullSecrets) {
		return
	}
	p.account.replacePullSecrets = true
	p.account.pullSecrets = planned.ImagePullSecrets
}

// Path at which the ServiceAccount plugin mounts the token, and prefix of its volume's name.
const (
	tokenMountPath    = "/var/run/secrets/kubernetes.io/serviceaccount"
	tokenVolumePrefix = "kube-api-access-"
)

// planToken removes the token volume that the plugin added for the old account, if the new
// one disables automounting and the pod does not set it.
func (p *planner) planToken(account *corev1.ServiceAccount) {
	spec := p.t.Spec
	if spec.AutomountServiceAccountToken != nil || account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
		return
	}
	for i := range spec.Volumes {
		if v := &spec.Volumes[i]; isTokenVolume(v) && p.mountedOnlyAsToken(v.Name) {
			p.account.tokenVolume = i
			return
		}
	}
}

func isTokenVolume(v *corev1.Volume) bool {
	if !strings.HasPrefix(v.Name, tokenVolumePrefix) || v.Projected == nil {
		return false
	}
	return slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
		return s.ServiceAccountToken != nil && s.ServiceAccountToken.Audience == "" && s.ServiceAccountToken.Path == "token"
	})
}

// mountedOnlyAsToken reports whether the volume is mounted only at the token's path. A volume
// that is also mounted at another path was added on purpose, and is kept.
func (p *planner) mountedOnlyAsToken(volume string) bool {
	only := true
	workload.EachContainer(p.t.Spec, func(c workload.Container) {
		for i := range c.VolumeMounts {
			if m := &c.VolumeMounts[i]; m.Name == volume && m.MountPath != tokenMountPath {
				only = false
			}
		}
	})
	return only
}
