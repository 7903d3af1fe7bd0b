package inject

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

// DecideClass runs those rules over a SecretProviderClass that need nothing but the class
// itself, its namespace and the server's settings.
func DecideClass(class *secretsstorev1.SecretProviderClass, ns *corev1.Namespace, s Settings, f Facts) []Finding {
	return nil
}

// DecideClassUpdate is DecideClass for a class that replaces another: only what the update
// brings is an error, and pods that mount the class are told of (AKV022).
func DecideClassUpdate(class, before *secretsstorev1.SecretProviderClass, ns *corev1.Namespace, s Settings, f Facts) []Finding {
	return OnClassUpdate(DecideClass(class, ns, s, f), DecideClass(before, ns, s, f))
}

// DecideClassDeletion tells of pods that mount the class that goes (AKV022).
func DecideClassDeletion(before *secretsstorev1.SecretProviderClass, f Facts) []Finding {
	return nil
}

// MountsClass tells whether a pod that is not finished has a volume of the class.
func MountsClass(pod *corev1.Pod, class string) bool {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return false
	}
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		name, ok := className(&v)
		return ok && name == class
	})
}
