package controller

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/controller/refresh"
	"akv-injector/inject/annotation"
)

// maxFinalizers is how many of a cached class's finalizers are kept, to be named in an event.
const maxFinalizers = 5

// transform is what the cache keeps of objects whose kind has no options of its own.
func transform(obj any) (any, error) {
	switch o := obj.(type) {
	case *secretsstorev1.SecretProviderClass:
		return ClassTransform(o), nil
	case *secretsstorev1.SecretProviderClassPodStatus:
		return refresh.RecordTransform(o), nil
	}
	return cache.TransformStripManagedFields()(obj)
}

// ClassTransform leaves of a class its identity, and of one of ours whether its content is what
// its name stands for, and the names of the Secrets that it syncs. Every tenant can write classes, in namespaces that did not opt in too,
// and each can be as large as etcd allows: a cache of their content would be as large as they
// like. Who needs the content of a class reads it from the API server.
func ClassTransform(full *secretsstorev1.SecretProviderClass) *secretsstorev1.SecretProviderClass {
	kept := &secretsstorev1.SecretProviderClass{ObjectMeta: metav1.ObjectMeta{
		Namespace:         full.Namespace,
		Name:              full.Name,
		UID:               full.UID,
		ResourceVersion:   full.ResourceVersion,
		CreationTimestamp: full.CreationTimestamp,
		DeletionTimestamp: full.DeletionTimestamp,
		Annotations:       map[string]string{annotation.CachedContent: annotation.ContentLeftOut},
	}}
	kept.Spec.SecretObjects = secretNames(full)
	if n := len(full.Finalizers); n > 0 {
		kept.Finalizers = append([]string(nil), full.Finalizers[:min(n, maxFinalizers)]...)
	}
	if since, ok := full.Annotations[annotation.UnusedSince]; ok {
		kept.Annotations[annotation.UnusedSince] = since[:min(len(since), 64)]
	}
	if !managed(full) {
		return kept
	}
	kept.Labels = map[string]string{annotation.LabelManagedBy: annotation.ManagedBy}
	// What the API server stores says nothing here.
	full = withoutCacheMark(full)
	if intact(full) {
		kept.Annotations[annotation.CachedContent] = annotation.ContentIntact
	}
	return kept
}

// maxSecretNames is how many Secrets of a cached class are kept by name.
const maxSecretNames = 50

// secretNames leaves of the Secrets that a class syncs their names: who reads one should mount the class.
func secretNames(full *secretsstorev1.SecretProviderClass) []*secretsstorev1.SecretObject {
	var kept []*secretsstorev1.SecretObject
	for _, o := range full.Spec.SecretObjects {
		if len(kept) == maxSecretNames {
			break
		}
		if o != nil && len(o.SecretName) <= validation.DNS1123SubdomainMaxLength {
			kept = append(kept, &secretsstorev1.SecretObject{SecretName: strings.Clone(o.SecretName)})
		}
	}
	return kept
}

// withoutCacheMark is a class without the mark of cached ones, which is nobody's to write.
func withoutCacheMark(class *secretsstorev1.SecretProviderClass) *secretsstorev1.SecretProviderClass {
	if _, ok := class.Annotations[annotation.CachedContent]; !ok {
		return class
	}
	class = class.DeepCopy()
	delete(class.Annotations, annotation.CachedContent)
	return class
}
