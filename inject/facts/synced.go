package facts

import (
	"slices"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

// SyncedSecrets finds, for each of the Secrets, which of a namespace's classes sync it.
func SyncedSecrets(classes []*secretsstorev1.SecretProviderClass, secrets []string) map[string][]string {
	by := make(map[string][]string, len(secrets))
	for _, name := range secrets {
		by[name] = nil
	}
	for _, class := range classes {
		for _, o := range class.Spec.SecretObjects {
			if o == nil || o.SecretName == "" {
				continue
			}
			if names, asked := by[o.SecretName]; asked && !slices.Contains(names, class.Name) {
				by[o.SecretName] = append(names, class.Name)
			}
		}
	}
	for _, names := range by {
		slices.Sort(names)
	}
	return by
}
