package webhook

import (
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// CacheByObject are the cache options for the kinds that decisions read, so that
// the cache holds what they read and nothing more. The CSI driver's DaemonSet is in
// driverNamespace.
//
// Of the kinds that every admission reads, the cache gives its own objects and no copies: they must not be changed.
func CacheByObject(driverNamespace string) map[client.Object]cache.ByObject {
	return map[client.Object]cache.ByObject{
		&corev1.Namespace{}:      {Transform: namespaceTransform, UnsafeDisableDeepCopy: new(true)},
		&corev1.ServiceAccount{}: {Transform: serviceAccountTransform, UnsafeDisableDeepCopy: new(true)},
		&storagev1.CSIDriver{}:   {UnsafeDisableDeepCopy: new(true)},
		&appsv1.DaemonSet{}: {
			Namespaces: map[string]cache.Config{driverNamespace: {}},
			Transform:  driverTransform,
		},
	}
}

// namespaceTransform leaves of a namespace its labels and our annotations.
func namespaceTransform(obj any) (any, error) {
	full, ok := obj.(*corev1.Namespace)
	if !ok {
		return obj, nil
	}
	return &corev1.Namespace{ObjectMeta: keptMeta(&full.ObjectMeta, full.Labels, func(key string) bool {
		return strings.HasPrefix(key, annotation.Prefix)
	})}, nil
}

// serviceAccountTransform leaves of a ServiceAccount which identity it stands for
// and what the API server copies from it into pods.
func serviceAccountTransform(obj any) (any, error) {
	full, ok := obj.(*corev1.ServiceAccount)
	if !ok {
		return obj, nil
	}
	return &corev1.ServiceAccount{
		ObjectMeta: keptMeta(&full.ObjectMeta, nil, func(key string) bool {
			return key == provider.AnnotationClientID || key == provider.AnnotationTenantID
		}),
		ImagePullSecrets:             full.ImagePullSecrets,
		AutomountServiceAccountToken: full.AutomountServiceAccountToken,
	}, nil
}

// keptMeta says which object this is, in which version, with some of its annotations.
// It is a new one: an element of a long list would keep the whole list in memory.
func keptMeta(full *metav1.ObjectMeta, labels map[string]string, keep func(key string) bool) metav1.ObjectMeta {
	kept := metav1.ObjectMeta{
		Namespace:         full.Namespace,
		Name:              full.Name,
		UID:               full.UID,
		ResourceVersion:   full.ResourceVersion,
		DeletionTimestamp: full.DeletionTimestamp,
		Labels:            labels,
	}
	annotations := maps.Clone(full.Annotations)
	maps.DeleteFunc(annotations, func(key, _ string) bool { return !keep(key) })
	if len(annotations) > 0 {
		kept.Annotations = annotations
	}
	return kept
}
