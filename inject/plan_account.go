package inject

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
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// accountPlan is the service account that the pod gets, and what the API server's
// ServiceAccount plugin left of the one it had. The plugin runs before webhooks and
// again after them, but the second time it only adds (Kubernetes 1.37.2,
// plugin/pkg/admission/serviceaccount).
type accountPlan struct {
	// name is empty where the account stays.
	name string
	// pullSecrets replace the old account's.
	replacePullSecrets bool
	pullSecrets        []corev1.LocalObjectReference
	// tokenVolume is the index of the token volume that goes, or -1.
	tokenVolume int
}

func (p *planner) planAccount() {
	p.account.tokenVolume = -1
	if p.r.ServiceAccount.Level != Unset && p.r.ServiceAccount.Value == "" {
		return // the parser told
	}
	now, planned := p.r.accountNow(), p.r.accountPlanned()
	account, looked := p.f.ServiceAccounts[planned]
	if !looked {
		return // files alone do not tell what the cluster has
	}
	p.checkAccount(planned, account)
	if account == nil || now == planned {
		return
	}
	p.account.name = planned
	p.planPullSecrets(p.f.ServiceAccounts[now], account)
	p.planToken(account)
}

// checkAccount is rule AKV012 on a pod that asks.
func (p *planner) checkAccount(name string, account *corev1.ServiceAccount) {
	path := p.r.ServiceAccount.Path
	if path == nil || p.r.accountNow() == name {
		path = p.t.SpecPath().Child("serviceAccountName")
	}
	if account == nil {
		p.failAccount("AKV012", field.ErrorTypeNotFound, path,
			fmt.Sprintf("The namespace has no ServiceAccount %q, so the pod could not be created.", text.Shorten(name)),
			fmt.Sprintf("Create it with the annotation %s, or name another in %s.", provider.AnnotationClientID, annotation.ServiceAccount))
		return
	}
	generates := slices.ContainsFunc(p.r.Mounts, func(m MountRequest) bool { return m.Class == "" })
	if !generates {
		return
	}
	if p.r.ClientID.Level == Unset { // else the parser checked it
		p.checkAccountClient(name, path)
	}
	if p.r.TenantID.Level == Unset {
		p.checkAccountTenant(name, path)
	}
}

func (p *planner) checkAccountClient(name string, path *finding.Place) {
	client := p.clientID()
	if client == "" {
		p.failAccount("AKV012", field.ErrorTypeRequired, path,
			fmt.Sprintf("The ServiceAccount %q has no annotation %s, so no identity could read the vault.", text.Shorten(name), provider.AnnotationClientID),
			fmt.Sprintf("Run: kubectl annotate serviceaccount %s %s=<client id>; or set %s.", text.Shorten(name), provider.AnnotationClientID, annotation.ClientID))
	} else if problem := provider.ClientIDProblem(client); problem.Found() {
		p.failAccount("AKV012", field.ErrorTypeInvalid, path,
			fmt.Sprintf("The ServiceAccount %q has %q as its annotation %s: %s.", text.Shorten(name), text.Shorten(client), provider.AnnotationClientID, problem),
			fmt.Sprintf("Run: kubectl annotate --overwrite serviceaccount %s %s=<client id>", text.Shorten(name), provider.AnnotationClientID))
	}
}

func (p *planner) checkAccountTenant(name string, path *finding.Place) {
	tenant := p.tenantID()
	if tenant == "" {
		p.failAccount("", field.ErrorTypeRequired, p.t.AnnotationPath(annotation.TenantID),
			"No tenant is known for the vault: neither the pod, the namespace, the server's --tenant-id nor the ServiceAccount names one.",
			fmt.Sprintf("Set %s on the namespace, or run: kubectl annotate serviceaccount %s %s=<tenant id>", annotation.TenantID, text.Shorten(name), provider.AnnotationTenantID))
	} else if problem := provider.TenantProblem(tenant); problem.Found() {
		p.failAccount("", field.ErrorTypeInvalid, path,
			fmt.Sprintf("The ServiceAccount %q has %q as its annotation %s: %s.", text.Shorten(name), text.Shorten(tenant), provider.AnnotationTenantID, problem),
			fmt.Sprintf("Run: kubectl annotate --overwrite serviceaccount %s %s=<tenant id>", text.Shorten(name), provider.AnnotationTenantID))
	}
}

// failAccount only warns on a template: the ServiceAccount is often applied after the
// workload, and the pods are where it has to be there.
func (p *planner) failAccount(rule string, typ field.ErrorType, path *finding.Place, message, fix string) {
	p.fail(rule, typ, path, message, fix)
	if p.t.Template {
		p.findings[len(p.findings)-1].Severity = Warning
	}
}

// clientID is the identity that reads the vaults.
func (p *planner) clientID() string {
	if p.r.ClientID.Level != Unset {
		return p.r.ClientID.Value
	}
	return p.fromAccount(provider.AnnotationClientID)
}

func (p *planner) tenantID() string {
	if p.r.TenantID.Level != Unset {
		return p.r.TenantID.Value
	}
	return p.fromAccount(provider.AnnotationTenantID)
}

func (p *planner) fromAccount(key string) string {
	if account := p.f.ServiceAccounts[p.r.accountPlanned()]; account != nil {
		return strings.TrimSpace(account.Annotations[key])
	}
	return ""
}

// planPullSecrets replaces the pull secrets that the plugin copied from the old
// account. It copies only into an empty list, so a list equal to the account's is
// taken for its copy.
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

// Where the ServiceAccount plugin puts the token, and what it calls the volume.
const (
	tokenMountPath    = "/var/run/secrets/kubernetes.io/serviceaccount"
	tokenVolumePrefix = "kube-api-access-"
)

// planToken removes the token volume that the plugin added for the old account if
// the new one forbids automounting and the pod says nothing about it.
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

// mountedOnlyAsToken keeps a volume that somebody mounts elsewhere on purpose.
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
