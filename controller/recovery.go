package controller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"akv-injector/inject"
)

// generatedParameters are what a generated class has, no less and no more.
var generatedParameters = sets.New("usePodIdentity", "keyvaultName", "clientID", "tenantID", "cloudName", "objects")

// recoverClass finds the content that belongs to a class's name in the status of a
// pod that mounts it. Anyone who may patch a pod can write a status, so a content
// counts only if the name, which comes from the pod's immutable volumes, is its hash.
func recoverClass(name string, pods []corev1.Pod) (inject.Class, bool) {
	// Replicas share their status: each text is looked at once.
	seen := sets.New[string]()
	for i := range pods {
		text, ok := pods[i].Annotations[inject.AnnotationStatus]
		if !ok || seen.Has(text) {
			continue
		}
		seen.Insert(text)
		status, err := inject.ParseStatus(text)
		if err != nil {
			continue
		}
		for _, class := range status.Classes {
			if class.Name == name && class.Verified() && ofOurMaking(class) {
				return class, true
			}
		}
	}
	return inject.Class{}, false
}

// ofOurMaking tells whether a content is of the kind that admission writes. The hash
// is no secret: somebody could name a volume after a content of their own, slip the
// pod past a webhook that fails open, and have us write a class for them that uses
// the node's identity (useVMManagedIdentity) or another Azure (cloudEnvFileName).
func ofOurMaking(class inject.Class) bool {
	return sets.KeySet(class.Parameters).Equal(generatedParameters) &&
		class.Parameters["usePodIdentity"] == "false" && class.Parameters["clientID"] != ""
}
