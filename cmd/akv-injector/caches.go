package main

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/controller"
	"akv-injector/webhook"
)

func cacheOptions(o options) cache.Options {
	options := controller.CacheOptions()
	maps.Copy(options.ByObject, webhook.CacheByObject(o.driverNamespace))
	return options
}

// cachedKinds are the objects that the program reads from caches, by the names of
// their readiness checks.
func cachedKinds() map[string]client.Object {
	return map[string]client.Object{
		"namespaces":            &corev1.Namespace{},
		"serviceaccounts":       &corev1.ServiceAccount{},
		"pods":                  &corev1.Pod{},
		"csidrivers":            &storagev1.CSIDriver{},
		"secretproviderclasses": &secretsstorev1.SecretProviderClass{},
	}
}
