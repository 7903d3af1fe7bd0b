package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

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
		Repair:  finding.MountFolder,
		Lookups: finding.Classes, Outdates: true,
		Summary:  "A mount with subPath or subPathExpr of a secrets-store volume, or of a Secret that is synced by a class which the same pod mounts: a warning in init containers, in pods that run to completion, and in workloads that a reloader or akv-injector restarts.",
		Prevents: "The container keeps the file from its start; a rotated secret never arrives.",
		Evidence: "The kubelet 1.37.2 bind-mounts a subPath's file once, when the container starts; driver and kubelet rotate by swapping a symlink beside it.",
		Remedy:   "Remove subPath, mount the folder and read the file in it.",
	},
	Pod: checkSubPath,
	Policy: `object.?spec.?restartPolicy.orValue('Always') != 'Always' || ` +
		`(object.?spec.?containers.orValue([]) + object.?spec.?initContainers.orValue([]).filter(c, c.?restartPolicy.orValue('') == 'Always')).all(c, c.?volumeMounts.orValue([]).all(m, ` +
		`m.?subPath.orValue('') == '' && m.?subPathExpr.orValue('') == '' || !(m.?name.orValue('') in variables.names)))`,
}

func checkSubPath(p *Pod, r *Report) {
	synced := p.syncedSecrets()
	secrets, reloads := p.mountedSecrets(synced), p.reloader()
	p.EachMount(func(m Mount) {
		name, value := "subPath", m.SubPath
		if value == "" {
			name, value = "subPathExpr", m.SubPathExpr
		}
		if value == "" {
			return
		}
		var what string
		var reloaded bool
		if v := p.volume(m.Name); v != nil {
			what, reloaded = "a secrets-store volume", p.reloadedOnClass(v)
		} else if secret := secrets[m.Name]; secret != "" {
			what, reloaded = fmt.Sprintf("the Secret %q, which a mounted class syncs", secret), reloads(secret, synced[secret].Annotations)
		} else {
			return
		}
		p.reportSubPath(r, m, name, fmt.Sprintf("a %s of %s", name, what), reloaded)
	})
}

func (p *Pod) reportSubPath(r *Report, m Mount, name, what string, reloaded bool) {
	keeps := "The container keeps the file that it started with, because it mounts " + what
	file := m.SubPath + m.SubPathExpr
	if !text.Plain(file) {
		file = "the file"
	}
	fix := fmt.Sprintf("Remove %s, mount the folder and read %s in it", name, file)
	switch place := m.place(p.Target).Child(name); {
	case reloaded:
		r.Warn(field.ErrorTypeForbidden, place, keeps+", until the reloader restarts the pod.", fix+"; rotation then needs no restart.")
	case p.restarts():
		r.Warn(field.ErrorTypeForbidden, place, keeps+", until akv-injector restarts the workload.", fix+"; rotation then needs no restart.")
	case p.Target.RunsToCompletion() || !m.Container.StaysUp():
		r.Warn(field.ErrorTypeForbidden, place, keeps+"; a rotation while it runs does not reach it.", fix+".")
	default:
		r.Error(field.ErrorTypeForbidden, place, keeps+"; a rotated secret never arrives.", fix+".")
	}
}

// restarts reports whether akv-injector restarts the pod's workload when a secret was rotated. It
// restarts no Job, and no pod that a user created directly.
func (p *Pod) restarts() bool {
	return p.Policy.Restarts && p.Request.OnRotation.Restart && !p.Target.RunsToCompletion() &&
		(p.Target.Template || p.Target.Origin != workload.FromUser)
}

// syncedSecrets returns the Secrets that the mounted classes sync, by name.
func (p *Pod) syncedSecrets() map[string]*secretsstorev1.SecretObject {
	synced := map[string]*secretsstorev1.SecretObject{}
	for _, v := range p.Volumes {
		if v.Class == nil {
			continue
		}
		for _, o := range v.Class.Spec.SecretObjects {
			if o != nil && o.SecretName != "" {
				synced[o.SecretName] = o
			}
		}
	}
	return synced
}

// mountedSecrets returns the synced Secret in each volume that has one.
func (p *Pod) mountedSecrets(synced map[string]*secretsstorev1.SecretObject) map[string]string {
	if len(synced) == 0 {
		return nil
	}
	secrets := map[string]string{}
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		if _, known := secrets[v.Name]; known {
			continue
		}
		if v.Secret != nil && synced[v.Secret.SecretName] != nil {
			secrets[v.Name] = v.Secret.SecretName
			continue
		}
		if v.Projected == nil {
			continue
		}
		for j := range v.Projected.Sources {
			if secret := v.Projected.Sources[j].Secret; secret != nil && synced[secret.Name] != nil {
				secrets[v.Name] = secret.Name
				break
			}
		}
	}
	return secrets
}
