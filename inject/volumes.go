package inject

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
)

// storeVolume is a secrets-store volume of a pod, with the class behind it.
type storeVolume struct {
	*corev1.Volume
	path *finding.Place
	// className that the volume names.
	className string
	// class is nil if it does not exist or was not looked up.
	class *secretsstorev1.SecretProviderClass
	// looked is set if class is known to be nil because there is none.
	looked bool
	// parameters that reach the provider: the class's, with the volume's attributes
	// copied over them, as the driver does.
	parameters map[string]string
	// objects in the parameters, where others wrote them for the Azure provider.
	objects    []provider.Object
	objectErrs finding.FieldErrors
	// generated is set if the volume names a class that this decision generates.
	generated bool
	// asked is the annotation that asks for the volume, nil where the pod brought it.
	asked *finding.Place
	// askedPath is where the annotation wants it mounted.
	askedPath string
}

// azure tells whether the Azure provider's rules hold for the volume.
func (v *storeVolume) azure() bool {
	return v.class != nil && v.class.Spec.Provider == provider.ProviderAzure
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
func storeVolumes(spec *corev1.PodSpec, path *finding.Place, f Facts, p *plan, namespace string) []storeVolume {
	var volumes []storeVolume
	for i := range spec.Volumes {
		name, ok := provider.ClassName(&spec.Volumes[i])
		if !ok {
			continue
		}
		v := storeVolume{Volume: &spec.Volumes[i], path: path.Child("volumes").Index(i), className: name}
		v.class, v.looked = f.Classes[name]
		for _, c := range p.classes {
			if c.Name == name {
				v.class, v.looked, v.generated = c.Object(namespace), true, true
			}
		}
		for j := range p.volumes {
			if planned := &p.volumes[j]; planned.volume.Name == v.Name {
				v.asked, v.askedPath = planned.request.FieldPath, planned.mountPath
			}
		}
		v.parameters = map[string]string{}
		if v.class != nil {
			maps.Copy(v.parameters, v.class.Spec.Parameters)
		}
		for k, value := range v.CSI.VolumeAttributes {
			if k != provider.AttributeClass && k != provider.AttributeInterval {
				v.parameters[k] = value
			}
		}
		if v.azure() && !v.generated {
			v.objects, _, v.objectErrs = provider.ReadObjects(v.parameters[provider.ParamObjects], finding.At("spec", "parameters", provider.ParamObjects))
		}
		volumes = append(volumes, v)
	}
	return volumes
}
