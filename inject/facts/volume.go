package facts

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
)

// Volume is a secrets-store volume of a pod: what the driver passes to the provider for it.
type Volume struct {
	*corev1.Volume
	// ClassName that the volume names.
	ClassName string
	// Class is nil if it does not exist or is not known.
	Class *Class
	// Parameters that reach the provider: the class's, with the volume's attributes copied
	// over them, as the driver does.
	Parameters map[string]string
	// Objects in the parameters of a class for the Azure provider, and the errors of those
	// that could not be read.
	Objects []provider.Object
	Errors  finding.FieldErrors
}

// NewVolume merges the attributes of a volume into the parameters of its class.
func NewVolume(v *corev1.Volume, name string, class *Class) Volume {
	volume := Volume{Volume: v, ClassName: name, Class: class}
	if class == nil {
		volume.Parameters = Over(nil, v)
		return volume
	}
	volume.Parameters = Over(class.Spec.Parameters, v)
	volume.Objects, volume.Errors = class.Objects, class.Errors
	if _, overridden := v.CSI.VolumeAttributes[provider.ParamObjects]; overridden && class.Azure() {
		volume.Objects, _, volume.Errors = readObjects(volume.Parameters)
	}
	return volume
}

// Over copies the attributes of a volume over a class's parameters. It returns parameters
// themselves if there are no attributes to copy: never write to the result.
func Over(parameters map[string]string, v *corev1.Volume) map[string]string {
	merged, shared := parameters, true
	for k, value := range v.CSI.VolumeAttributes {
		if k == provider.AttributeClass || k == provider.AttributeInterval {
			continue
		}
		if shared {
			merged, shared = maps.Clone(parameters), false
			if merged == nil {
				merged = map[string]string{}
			}
		}
		merged[k] = value
	}
	return merged
}

// Parameter is a parameter as the provider reads it.
func (v *Volume) Parameter(key string) string { return strings.TrimSpace(v.Parameters[key]) }

// Vault and Cloud that the volume reads, empty unless its class is for the Azure provider.
func (v *Volume) Vault() (cloud, vault string) {
	if !v.Class.Azure() {
		return "", ""
	}
	return provider.CanonicalCloud(v.Parameter(provider.ParamCloud)), v.Parameter(provider.ParamVault)
}

// Volumes are the secrets-store volumes of a pod.
func (f *Facts) Volumes(spec *corev1.PodSpec) []Volume {
	var volumes []Volume
	for i := range spec.Volumes {
		if name, ok := provider.ClassName(&spec.Volumes[i]); ok {
			volumes = append(volumes, NewVolume(&spec.Volumes[i], name, f.Classes[name]))
		}
	}
	return volumes
}
