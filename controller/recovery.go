package controller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// recoverClass finds the content that belongs to a class's name in the status of a
// pod that mounts it. Anyone who may patch a pod can write a status, so a content
// counts only if the name, which comes from the pod's immutable volumes, is its hash,
// and if it is of the kind that admission writes (see provider.Class.Verified).
func recoverClass(name string, pods []corev1.Pod) (provider.Class, bool) {
	// Replicas share their status: each text is looked at once.
	seen := sets.New[string]()
	for i := range pods {
		text, ok := pods[i].Annotations[annotation.Status]
		if !ok || seen.Has(text) {
			continue
		}
		seen.Insert(text)
		status, err := inject.ParseStatus(text)
		if err != nil {
			continue
		}
		for _, class := range status.Classes {
			if class.Name == name && class.Verified() {
				return class, true
			}
		}
	}
	return provider.Class{}, false
}
