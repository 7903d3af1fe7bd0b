package inject

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// MountedVolume is a secrets-store volume of a pod as it is stored: what the driver hands
// to the provider for it.
type MountedVolume struct {
	// Name of the volume.
	Name string
	// ClassName that it names, and the class of that name; nil if there is none.
	ClassName string
	Class     *secretsstorev1.SecretProviderClass
	// Vault and Cloud are empty unless the class is for the Azure provider.
	Vault, Cloud string
	// Objects of the class, where it is for the Azure provider, and what could not be
	// read of them.
	Objects []provider.Object
	Errors  finding.FieldErrors
}

// MountedVolumes finds the secrets-store volumes of a stored pod. The classes are those of
// its namespace, by name.
func MountedVolumes(spec *corev1.PodSpec, classes map[string]*secretsstorev1.SecretProviderClass) []MountedVolume {
	stored := storeVolumes(spec, finding.At("spec"), Facts{Classes: classes}, &plan{}, "")
	volumes := make([]MountedVolume, 0, len(stored))
	for i := range stored {
		s := &stored[i]
		v := MountedVolume{Name: s.Name, ClassName: s.className, Class: s.class}
		if s.azure() {
			v.Vault = strings.TrimSpace(s.parameters[provider.ParamVault])
			v.Cloud = provider.CanonicalCloud(or(strings.TrimSpace(s.parameters[provider.ParamCloud]), provider.DefaultCloud))
			v.Objects, v.Errors = s.objects, s.objectErrs
		}
		volumes = append(volumes, v)
	}
	return volumes
}

// FindOutdating runs those rules over a stored pod by which a running container goes on
// with an old content though the mount is current: AKV001 and AKV006. What a waiver or a
// namespace's policy lets pass is found too: it is as true as before.
func FindOutdating(pod *corev1.Pod, classes map[string]*secretsstorev1.SecretProviderClass) []Finding {
	t := workload.PodTarget(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Annotations: withoutOurs(pod.Annotations)},
		Spec:       pod.Spec,
	})
	if metav1.GetControllerOf(pod) != nil {
		t.Origin = workload.FromController // so that a reloader counts
	}
	d := Decide(t, Parse(t, nil, Settings{}), Facts{Classes: classes})
	var findings []Finding
	for _, f := range d.Findings {
		if f.Rule == subPathRule.ID || f.Rule == envFromSyncedSecretRule.ID {
			findings = append(findings, f)
		}
	}
	return findings
}

// withoutOurs leaves the annotations out by which a pod asks or waives: a stored pod has
// what it asked for.
func withoutOurs(annotations map[string]string) map[string]string {
	rest := maps.Clone(annotations)
	maps.DeleteFunc(rest, func(key, _ string) bool { return strings.HasPrefix(key, annotation.Prefix) })
	return rest
}
