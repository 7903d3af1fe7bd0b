package main

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/controller"
	"akv-injector/inject"
	"akv-injector/webhook"
)

// cacheOptions returns what the controllers and admission need of the one cache that
// they share.
func cacheOptions(o options) cache.Options {
	// A pod that was started without its files has no record, and on-empty looks for such pods, by hand-written volumes too.
	options := controller.CacheOptions(o.restarts)
	maps.Copy(options.ByObject, webhook.CacheByObject(o.driverNamespace))
	return options
}

// cachedKind is a kind whose cache must be full before the program is ready.
type cachedKind struct {
	check  string // the readiness check's name
	object client.Object
	// fix says what to install if the API server does not know the kind.
	fix string
}

// cachedKinds are the kinds that admission and the controllers read from the cache.
func cachedKinds() []cachedKind {
	noDriver := inject.RuleNoDriver()
	return []cachedKind{
		{check: "csidrivers", object: &storagev1.CSIDriver{}},
		{check: "namespaces", object: &corev1.Namespace{}},
		{check: "pods", object: &corev1.Pod{}},
		{
			check: "secretproviderclasses", object: &secretsstorev1.SecretProviderClass{},
			fix: noDriver.ID + " " + noDriver.Name + ": install the Secrets Store CSI driver with its CRDs; akv-injector then continues by itself",
		},
		{check: "serviceaccounts", object: &corev1.ServiceAccount{}},
	}
}
