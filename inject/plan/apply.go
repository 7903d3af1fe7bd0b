package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/workload"
)

// Apply returns the pod spec that results from the patch, for the rules to check. It shares
// unchanged parts with the target's spec, so callers must not write to it.
func (p *Plan) Apply(t *workload.Target) *corev1.PodSpec {
	shared := *t.Spec
	spec := &shared
	spec.Volumes = append(make([]corev1.Volume, 0, len(spec.Volumes)+len(p.Volumes)), spec.Volumes...)
	spec.InitContainers, spec.Containers = slices.Clone(spec.InitContainers), slices.Clone(spec.Containers)
	if p.account.name != "" {
		spec.ServiceAccountName, spec.DeprecatedServiceAccount = p.account.name, p.account.name
		if p.account.replacePullSecrets {
			spec.ImagePullSecrets = p.account.pullSecrets
		}
	}
	for i := range p.Volumes {
		if v := &p.Volumes[i]; v.existing >= 0 {
			spec.Volumes[v.existing] = v.Volume
		}
	}
	if i := p.account.tokenVolume; i >= 0 {
		spec.Volumes = slices.Delete(spec.Volumes, i, i+1)
	}
	for i := range p.Volumes {
		if v := &p.Volumes[i]; v.existing < 0 {
			spec.Volumes = append(spec.Volumes, v.Volume)
		}
	}
	for i := range p.edits {
		e := &p.edits[i]
		e.apply(e.In(spec))
	}
	p.applyGate(spec)
	return spec
}

func (e *containerEdit) apply(c *corev1.Container) {
	if len(e.setReadOnly)+len(e.removeMounts)+len(e.addMounts) > 0 {
		e.applyMounts(c)
	}
	if len(e.addEnv) > 0 {
		c.Env = slices.Concat(c.Env, e.addEnv)
	}
}

func (e *containerEdit) applyMounts(c *corev1.Container) {
	c.VolumeMounts = append(make([]corev1.VolumeMount, 0, len(c.VolumeMounts)+len(e.addMounts)), c.VolumeMounts...)
	for _, i := range e.setReadOnly {
		c.VolumeMounts[i].ReadOnly = true
	}
	for _, i := range slices.Backward(e.removeMounts) {
		c.VolumeMounts = slices.Delete(c.VolumeMounts, i, i+1)
	}
	c.VolumeMounts = append(c.VolumeMounts, e.addMounts...)
}
