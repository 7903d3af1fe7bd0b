package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// AKV001 checks volumeMounts[].subPath and subPathExpr of secrets-store volumes, and of
// Secrets that the mounted classes sync. A subPath is a bind mount of the file that existed
// when the container started; the driver and the kubelet rotate by swapping a symlink beside
// it, so the container keeps the old file (Kubernetes 1.37.2, kubelet subpath; reported again
// and again in the driver's tracker).
var subPath = Rule{
	Rule: finding.Rule{
		ID: "AKV001", Name: "subpath", Severities: []finding.Severity{finding.Error}, Waivable: true,
		Lookups: finding.Classes, Outdates: true,
		Summary:  "A mount with subPath or subPathExpr of a secrets-store volume, or of a Secret that is synced by a class which the same pod mounts.",
		Prevents: "The container keeps the file from its start; a rotated secret never arrives.",
		Evidence: "The kubelet 1.37.2 bind-mounts a subPath's file once, when the container starts; driver and kubelet rotate by swapping a symlink beside it.",
		Remedy:   "Remove subPath, mount the folder and read the file in it.",
	},
	Pod: checkSubPath,
}

func checkSubPath(p *Pod, r *Report) {
	synced := p.syncedSecrets()
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
		} else if secret := p.mountedSecret(m.Name, synced); secret != "" {
			what = fmt.Sprintf("the Secret %q, which a mounted class syncs", secret)
		} else {
			return
		}
		r.Error(field.ErrorTypeForbidden, m.place(p.Target).Child(name),
			fmt.Sprintf("The container keeps the file that it started with, because it mounts a %s of %s; a rotated secret never arrives.", name, what),
			fmt.Sprintf("Remove %s, mount the folder and read %s in it.", name, text.Shorten(value)))
	})
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

// mountedSecret returns the synced Secret that a volume holds, alone or in a projection, or "".
func (p *Pod) mountedSecret(volume string, synced map[string]bool) string {
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		if v.Name != volume {
			continue
		}
		if v.Secret != nil && synced[v.Secret.SecretName] {
			return v.Secret.SecretName
		}
		if v.Projected != nil {
			for _, source := range v.Projected.Sources {
				if source.Secret != nil && synced[source.Secret.Name] {
					return source.Secret.Name
				}
			}
		}
	}
	return ""
}
