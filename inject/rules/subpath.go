package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV001 checks volumeMounts[].subPath and subPathExpr of secrets-store volumes, and of
// Secrets that the mounted classes sync. A subPath is a bind mount of the file that existed
// when the container started; the driver and the kubelet rotate by swapping a symlink beside
// it, so the container keeps the old file (Kubernetes 1.37.2, kubelet subpath; reported again
// and again in the driver's tracker).
var subPath = Rule{
	Rule: finding.Rule{
		ID: "AKV001", Name: "subpath", Severities: []finding.Severity{finding.Error, finding.Warning}, Waivable: true,
		Lookups: finding.Classes, Outdates: true,
		Summary:  "A mount with subPath or subPathExpr of a secrets-store volume, or of a Secret that is synced by a class which the same pod mounts: a warning in workloads that akv-injector restarts.",
		Prevents: "The container keeps the file from its start; a rotated secret never arrives.",
		Evidence: "The kubelet 1.37.2 bind-mounts a subPath's file once, when the container starts; driver and kubelet rotate by swapping a symlink beside it.",
		Remedy:   "Remove subPath, mount the folder and read the file in it.",
	},
	Pod: checkSubPath,
	Policy: `variables.containers.all(c, c.?volumeMounts.orValue([]).all(m, ` +
		`m.?subPath.orValue('') == '' && m.?subPathExpr.orValue('') == '' || !(m.?name.orValue('') in variables.names)))`,
}

func checkSubPath(p *Pod, r *Report) {
	secrets := p.mountedSecrets(p.syncedSecrets())
	p.EachMount(func(m Mount) {
		name, value := "subPath", m.SubPath
		if value == "" {
			name, value = "subPathExpr", m.SubPathExpr
		}
		if value == "" {
			return
		}
		var what string
		if p.volume(m.Name) != nil {
			what = "a secrets-store volume"
		} else if secret := secrets[m.Name]; secret != "" {
			what = fmt.Sprintf("the Secret %q, which a mounted class syncs", secret)
		} else {
			return
		}
		if p.restarts() {
			r.Warn(field.ErrorTypeForbidden, m.place(p.Target).Child(name),
				fmt.Sprintf("The container keeps the file that it started with, because it mounts a %s of %s, until akv-injector restarts the workload.", name, what),
				fmt.Sprintf("Remove %s, mount the folder and read %s in it; rotation then needs no restart.", name, text.Shorten(value)))
			return
		}
		r.Error(field.ErrorTypeForbidden, m.place(p.Target).Child(name),
			fmt.Sprintf("The container keeps the file that it started with, because it mounts a %s of %s; a rotated secret never arrives.", name, what),
			fmt.Sprintf("Remove %s, mount the folder and read %s in it.", name, text.Shorten(value)))
	})
}

// restarts reports whether akv-injector restarts the pod's workload when a secret was rotated. It
// restarts no Job, and no pod that a user created directly.
func (p *Pod) restarts() bool {
	return p.Policy.Restarts && p.Request.OnRotation.Restart && !p.Target.RunsToCompletion() &&
		(p.Target.Template || p.Target.Origin != workload.FromUser)
}

// syncedSecrets returns the names of the Secrets that the mounted classes sync.
func (p *Pod) syncedSecrets() map[string]bool {
	synced := map[string]bool{}
	for _, v := range p.Volumes {
		if v.Class == nil {
			continue
		}
		for _, o := range v.Class.Spec.SecretObjects {
			if o != nil && o.SecretName != "" {
				synced[o.SecretName] = true
			}
		}
	}
	return synced
}

// mountedSecrets returns the synced Secret in each volume that has one.
func (p *Pod) mountedSecrets(synced map[string]bool) map[string]string {
	if len(synced) == 0 {
		return nil
	}
	secrets := map[string]string{}
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		if _, known := secrets[v.Name]; known {
			continue
		}
		if v.Secret != nil && synced[v.Secret.SecretName] {
			secrets[v.Name] = v.Secret.SecretName
			continue
		}
		if v.Projected == nil {
			continue
		}
		for j := range v.Projected.Sources {
			if secret := v.Projected.Sources[j].Secret; secret != nil && synced[secret.Name] {
				secrets[v.Name] = secret.Name
				break
			}
		}
	}
	return secrets
}
