package inject

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/workload"
)

// apply makes the pod spec that the patch leads to, for the rules to look at. It shares
// with the target's own whatever the plan leaves alone: nobody may write to it.
func (p *plan) apply(t *workload.Target) *corev1.PodSpec {
	shared := *t.Spec
	spec := &shared
	spec.Volumes = slices.Clone(spec.Volumes)
	spec.InitContainers, spec.Containers = slices.Clone(spec.InitContainers), slices.Clone(spec.Containers)
	if p.account.name != "" {
		spec.ServiceAccountName, spec.DeprecatedServiceAccount = p.account.name, p.account.name
		if p.account.replacePullSecrets {
			spec.ImagePullSecrets = p.account.pullSecrets
		}
	}
	for i := range p.volumes {
		if v := &p.volumes[i]; v.existing >= 0 {
			spec.Volumes[v.existing] = v.volume
		}
	}
	if i := p.account.tokenVolume; i >= 0 {
		spec.Volumes = slices.Delete(spec.Volumes, i, i+1)
	}
	for i := range p.volumes {
		if v := &p.volumes[i]; v.existing < 0 {
			spec.Volumes = append(spec.Volumes, v.volume)
		}
	}
	for i := range p.edits {
		e := &p.edits[i]
		c := &spec.Containers
		if e.List == "initContainers" {
			c = &spec.InitContainers
		}
		e.apply(&(*c)[e.Index])
	}
	return spec
}

func (e *containerEdit) apply(c *corev1.Container) {
	c.VolumeMounts, c.Env = slices.Clone(c.VolumeMounts), slices.Clone(c.Env)
	for _, i := range e.setReadOnly {
		c.VolumeMounts[i].ReadOnly = true
	}
	for _, i := range slices.Backward(e.removeMounts) {
		c.VolumeMounts = slices.Delete(c.VolumeMounts, i, i+1)
	}
	c.VolumeMounts = append(c.VolumeMounts, e.addMounts...)
	c.Env = append(c.Env, e.addEnv...)
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
