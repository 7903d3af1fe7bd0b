package plan

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/request"
	"akv-injector/internal/text"
)

func (p *planner) planVolumes(binding bool) {
	client, tenant := p.clientID(), p.tenantID()
	for i := range p.r.Mounts {
		m := &p.r.Mounts[i]
		class := m.Class
		if m.Path == "" {
			continue // reported already
		}
		if class == "" {
			if client == "" || tenant == "" || m.Vault == "" || !m.Complete {
				continue // reported already
			}
			generated := provider.Generate(m.Vault, m.Objects, provider.Identity{ClientID: client, TenantID: tenant, Binding: binding}, p.r.Cloud.Value)
			p.Classes = append(p.Classes, generated)
			class = generated.Name
		}
		p.planVolume(m, class)
	}
}

// planVolume adds the volume of a class, or completes the pod's own if it has one.
func (p *planner) planVolume(m *request.Mount, class string) {
	own := -1
	volumes := p.t.Spec.Volumes
	for i := range volumes {
		if name, ok := provider.ClassName(&volumes[i]); ok && name == class {
			own = i
			break // the rule class-twice reports a second one
		}
	}
	if own >= 0 {
		p.completeVolume(m, own)
		return
	}
	for i := range volumes {
		if volumes[i].Name == m.Volume {
			p.fail(field.ErrorTypeInvalid, p.t.SpecPath().Child("volumes").Index(i).Child("name"),
				fmt.Sprintf("akv-injector uses the name %q for the volume that %s asks for, but this is a different volume.", m.Volume, m.FieldPath),
				"Remove the volume or give it another name.")
			return
		}
	}
	readOnly := true
	p.Volumes = append(p.Volumes, Volume{
		existing: -1, MountPath: m.Path, Request: m,
		Volume: corev1.Volume{Name: m.Volume, VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
			Driver:   provider.DriverName,
			ReadOnly: &readOnly,
			VolumeAttributes: map[string]string{
				provider.AttributeClass:    class,
				provider.AttributeInterval: p.r.Interval.Value,
			},
		}}},
	})
}

// completeVolume uses the pod's own volume of the class, sets the fields that are not set, and
// reports those that contradict the annotations.
func (p *planner) completeVolume(m *request.Mount, index int) {
	v := p.t.Spec.Volumes[index]
	path := p.t.SpecPath().Child("volumes").Index(index).Child("csi")
	v.CSI = v.CSI.DeepCopy()
	completed := Volume{existing: index, MountPath: m.Path, Request: m}
	if v.CSI.ReadOnly == nil {
		readOnly := true
		v.CSI.ReadOnly, completed.setReadOnly = &readOnly, true
	}
	switch interval, ok := v.CSI.VolumeAttributes[provider.AttributeInterval]; {
	case !ok:
		v.CSI.VolumeAttributes[provider.AttributeInterval] = p.r.Interval.Value
		completed.setInterval = true
	case p.r.Interval.Level == request.OnPod && p.r.Interval.Value != "" && interval != p.r.Interval.Value && !provider.SameInterval(interval, p.r.Interval.Value):
		p.fail(field.ErrorTypeInvalid, path.Child("volumeAttributes").Key(provider.AttributeInterval),
			fmt.Sprintf("The volume has the interval %q, but the annotation %s has %q.", text.Shorten(interval), annotation.RotationPollInterval, p.r.Interval.Value),
			"Remove one of the two.")
	}
	if m.Class == "" {
		p.checkGeneratedVolume(v.CSI, path)
	}
	completed.Volume = v
	p.Volumes = append(p.Volumes, completed)
}

// checkGeneratedVolume reports fields of a generated class's volume that the plan does not
// set: they could override the class.
func (p *planner) checkGeneratedVolume(csi *corev1.CSIVolumeSource, path *finding.Place) {
	const fix = "Remove the volume; akv-injector adds it."
	for k := range csi.VolumeAttributes {
		if k != provider.AttributeClass && k != provider.AttributeInterval {
			p.fail(field.ErrorTypeForbidden, path.Child("volumeAttributes").Key(k),
				"A volume of a generated class has no attributes of its own.", fix)
		}
	}
	if csi.NodePublishSecretRef != nil {
		p.fail(field.ErrorTypeForbidden, path.Child("nodePublishSecretRef"),
			"A generated class reads the vault with workload identity, not with a Secret.", fix)
	}
	if csi.FSType != nil && *csi.FSType != "" {
		p.fail(field.ErrorTypeForbidden, path.Child("fsType"), "A volume of a generated class has no file system type.", fix)
	}
}
