package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
)

// storeVolume is a secrets-store volume of a pod as it will be.
type storeVolume struct {
	facts.Volume
	path *finding.Place
	// looked is set if Class is nil because there is none.
	looked bool
	// generated is the class that this decision generates for the volume, or nil.
	generated *provider.Class
	// asked is the annotation that asks for the volume, nil where the pod brought it.
	asked *finding.Place
	// askedPath is where the annotation wants it mounted.
	askedPath string
}

// azure tells whether the Azure provider mounts the volume.
func (v *storeVolume) azure() bool { return v.generated != nil || v.Class.Azure() }

// byHand tells whether the Azure provider mounts the volume by a class that others wrote.
func (v *storeVolume) byHand() bool { return v.generated == nil && v.Class.Azure() }

// classParameters are those of the class alone, without the volume's attributes.
func (v *storeVolume) classParameters() map[string]string {
	switch {
	case v.generated != nil:
		return v.generated.Parameters
	case v.Class != nil:
		return v.Class.Spec.Parameters
	}
	return nil
}

func (v *storeVolume) attributePath(key string) *finding.Place {
	return v.path.Child("csi", "volumeAttributes").Key(key)
}

// classPath is where the class was named: in the annotation, if one asks for the
// volume, for its author never sees the volume itself.
func (v *storeVolume) classPath() *finding.Place {
	if v.asked != nil {
		return v.asked
	}
	return v.attributePath(provider.AttributeClass)
}

// storeVolumes finds the secrets-store volumes of a pod spec.
func storeVolumes(spec *corev1.PodSpec, path *finding.Place, f facts.Facts, p *plan) []storeVolume {
	var volumes []storeVolume
	for i := range spec.Volumes {
		name, ok := provider.ClassName(&spec.Volumes[i])
		if !ok {
			continue
		}
		v := storeVolume{path: path.Child("volumes").Index(i)}
		class, looked := f.Classes[name]
		for j := range p.classes {
			if p.classes[j].Name == name {
				v.generated, class = &p.classes[j], nil
			}
		}
		v.looked = looked
		v.Volume = facts.NewVolume(&spec.Volumes[i], name, class)
		if v.generated != nil {
			v.Parameters = facts.Over(v.generated.Parameters, &spec.Volumes[i])
		}
		for j := range p.volumes {
			if planned := &p.volumes[j]; planned.volume.Name == v.Name {
				v.asked, v.askedPath = planned.request.FieldPath, planned.mountPath
			}
		}
		volumes = append(volumes, v)
	}
	return volumes
}
