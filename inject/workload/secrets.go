package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/finding"
)

// SecretUse is a place in a pod spec that reads a Secret.
type SecretUse struct {
	Secret string
	// Key of the Secret that it needs; empty where it takes what there is.
	Key string
	// What it is, for a message: the variable DB_PASSWORD.
	What  string
	Place *finding.Place
	// Optional is set if the pod starts without the Secret.
	Optional bool
}

// EachSecretUse visits what reads Secrets in a pod: variables and volumes.
func EachSecretUse(spec *corev1.PodSpec, path *finding.Place, visit func(SecretUse)) {
	is := func(optional *bool) bool { return optional != nil && *optional }
	EachContainer(spec, func(c Container) {
		at := c.Path(path)
		for i := range c.Env {
			if from := c.Env[i].ValueFrom; from != nil && from.SecretKeyRef != nil {
				ref := from.SecretKeyRef
				visit(SecretUse{ref.Name, ref.Key, "The variable " + c.Env[i].Name, at.Child("env").Index(i).Child("valueFrom", "secretKeyRef"), is(ref.Optional)})
			}
		}
		for i := range c.EnvFrom {
			if ref := c.EnvFrom[i].SecretRef; ref != nil {
				visit(SecretUse{ref.Name, "", "envFrom", at.Child("envFrom").Index(i).Child("secretRef"), is(ref.Optional)})
			}
		}
	})
	for i := range spec.Volumes {
		v := &spec.Volumes[i]
		at := path.Child("volumes").Index(i)
		if v.Secret != nil {
			visit(SecretUse{v.Secret.SecretName, "", "The volume " + v.Name, at.Child("secret", "secretName"), is(v.Secret.Optional)})
			eachItem(v.Secret.Items, v.Secret.SecretName, v.Name, at.Child("secret"), is(v.Secret.Optional), visit)
		}
		if v.Projected == nil {
			continue
		}
		for j := range v.Projected.Sources {
			if s := v.Projected.Sources[j].Secret; s != nil {
				at := at.Child("projected", "sources").Index(j).Child("secret")
				visit(SecretUse{s.Name, "", "The volume " + v.Name, at.Child("name"), is(s.Optional)})
				eachItem(s.Items, s.Name, v.Name, at, is(s.Optional), visit)
			}
		}
	}
}

func eachItem(items []corev1.KeyToPath, secret, volume string, at *finding.Place, optional bool, visit func(SecretUse)) {
	for i := range items {
		visit(SecretUse{secret, items[i].Key, "The volume " + volume, at.Child("items").Index(i).Child("key"), optional})
	}
}

// maxSecretNames is how many Secrets of a pod are looked at. A pod has room for thousands.
const maxSecretNames = 100

// SecretNames are the Secrets that a pod reads, sorted.
func SecretNames(spec *corev1.PodSpec) []string {
	var names []string
	add := func(name string) {
		if name != "" && len(names) < maxSecretNames && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	// Without places: every admission comes by here.
	EachContainer(spec, func(c Container) {
		for i := range c.Env {
			if from := c.Env[i].ValueFrom; from != nil && from.SecretKeyRef != nil {
				add(from.SecretKeyRef.Name)
			}
		}
		for i := range c.EnvFrom {
			if ref := c.EnvFrom[i].SecretRef; ref != nil {
				add(ref.Name)
			}
		}
	})
	for i := range spec.Volumes {
		mountedSecrets(&spec.Volumes[i], add)
	}
	slices.Sort(names)
	return names
}

// mountedSecrets visits the Secrets in a volume.
func mountedSecrets(v *corev1.Volume, visit func(name string)) {
	if v.Secret != nil {
		visit(v.Secret.SecretName)
	}
	if v.Projected == nil {
		return
	}
	for i := range v.Projected.Sources {
		if s := v.Projected.Sources[i].Secret; s != nil {
			visit(s.Name)
		}
	}
}
