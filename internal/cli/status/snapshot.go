package status

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// Snapshot is what the cluster says of some pods.
type Snapshot struct {
	Pods []corev1.Pod
	// Missing reports each pod that was named and cannot be judged.
	Missing []string
	// Records of mounts are what the driver writes after each one that succeeds. They have
	// to be read after the pods: of a container that runs, the record was there before.
	Records []secretsstorev1.SecretProviderClassPodStatus
	// Classes by namespace and name. Where they could not be read, ClassesUnknown says why.
	Classes        map[string]map[string]*facts.Class
	ClassesUnknown string
	// Events of pods.
	Events []corev1.Event
	// Rotation is what the cluster's driver does.
	Rotation facts.Rotation
	// Driver is its DaemonSet's word, nil if that is not known.
	Driver *provider.Driver
}

// mountsSecrets reports whether a pod has a volume of the secrets store.
func mountsSecrets(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		_, ok := provider.ClassName(&v)
		return ok
	})
}

// going are pods for whose content nothing is done any more: they have finished, or are
// being deleted.
func going(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp != nil || workload.Finished(pod)
}
