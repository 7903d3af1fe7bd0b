package controller

import (
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// managed reports whether a class is ours to change: its label says so. RBAC cannot
// make this difference, so every write in this package asks here first.
func managed(spc *secretsstorev1.SecretProviderClass) bool {
	return spc.Labels[annotation.LabelManagedBy] == annotation.ManagedBy
}

// holds reports whether a class has the content of a generated one, which has its name.
func holds(spc *secretsstorev1.SecretProviderClass, class provider.Class) bool {
	if _, cached := spc.Annotations[annotation.CachedContent]; cached {
		return intact(spc)
	}
	return class.Matches(spc)
}

// intact reports whether a class holds the content that its name stands for.
func intact(spc *secretsstorev1.SecretProviderClass) bool {
	if mark, ok := spc.Annotations[annotation.CachedContent]; ok {
		return mark == annotation.ContentIntact
	}
	content := provider.Class{Name: spc.Name, Parameters: spc.Spec.Parameters}
	return content.Verified() && content.Matches(spc)
}
