package inject

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/internal/text"
)

// AKV001 reads volumeMounts[].subPath and subPathExpr, and the Secrets that the
// mounted classes sync. A subPath is a bind mount of the file that was there when the
// container started; the driver and the kubelet rotate by swapping a symlink beside
// it, so the container keeps the old file (Kubernetes 1.37.2, kubelet subpath; asked
// for again and again in the driver's tracker).
var subPathRule = Rule{
	ID: "AKV001", Name: "subpath", Severities: []Severity{Error}, Waivable: true,
	Summary:  "A mount with subPath or subPathExpr of a secrets-store volume, or of a Secret that is synced by a class which the same pod mounts.",
	Prevents: "The container keeps the file that was there when it started; a rotated secret never arrives.",
	Evidence: "The kubelet 1.37.2 bind-mounts a subPath's file once, when the container starts; driver and kubelet rotate by swapping a symlink beside it.",
	Remedy:   "Remove subPath, mount the folder and read the file in it.",
	On:       podsAndTemplates,
}

func checkSubPath(s *subject) []Finding {
	synced := s.syncedSecrets()
	var findings []Finding
	s.eachMount(func(m mountRef) {
		name, value := "subPath", m.SubPath
		if value == "" {
			name, value = "subPathExpr", m.SubPathExpr
		}
		if value == "" {
			return
		}
		var what string
		if s.volume(m.Name) != nil {
			what = "a secrets-store volume"
		} else if secret := s.mountedSecret(m.Name, synced); secret != "" {
			what = fmt.Sprintf("the Secret %q, which a mounted class syncs,", secret)
		} else {
			return
		}
		findings = append(findings, found("AKV001", Error, field.ErrorTypeForbidden, m.path(s.SpecPath()).Child(name),
			fmt.Sprintf("Through a %s of %s the container keeps the file it started with; a rotated secret never arrives.", name, what),
			fmt.Sprintf("Remove %s, mount the folder and read %s in it.", name, text.Shorten(value))))
	})
	return findings
}

// syncedSecrets are the names of the Secrets that the mounted classes sync.
func (s *subject) syncedSecrets() map[string]bool {
	synced := map[string]bool{}
	for _, v := range s.volumes {
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

// mountedSecret is the synced Secret that a volume holds, by itself or among others.
func (s *subject) mountedSecret(volume string, synced map[string]bool) string {
	for i := range s.spec.Volumes {
		v := &s.spec.Volumes[i]
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
