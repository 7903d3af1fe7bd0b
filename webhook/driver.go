package webhook

import (
	"context"
	"sync"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/inject/provider"
)

// DefaultDriverNamespace is where the add-on of AKS and the driver's chart put it.
const DefaultDriverNamespace = "kube-system"

// DriverCache is a cache of the DaemonSets in the driver's namespace.
type DriverCache interface {
	GetInformer(ctx context.Context, obj client.Object, opts ...cache.InformerGetOption) (cache.Informer, error)
	List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error
}

// DriverFlags reads the flags of the CSI driver from a cache. As long as that has not
// been filled (we may not be allowed to list DaemonSets) they are not known: no admission
// waits for what only makes a warning more exact.
func DriverFlags(c DriverCache, namespace string, log logr.Logger) DriverFunc {
	var once sync.Once
	report := func(why string, err error) {
		once.Do(func() {
			log.Info("the CSI driver's flags are not known, so nothing can be said of the real rotation interval (AKV015); "+
				"may akv-injector list and watch DaemonSets there?", "namespace", namespace, "reason", why, "error", err)
		})
	}
	return func(ctx context.Context) *provider.Driver {
		informer, err := c.GetInformer(ctx, &appsv1.DaemonSet{}, cache.BlockUntilSynced(false))
		switch {
		case err != nil:
			report("no cache", err)
			return nil
		case !informer.HasSynced():
			report("the cache is not filled", nil)
			return nil
		}
		var sets appsv1.DaemonSetList
		if err := c.List(ctx, &sets, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
			report("the cache does not answer", err)
			return nil
		}
		return provider.DriverIn(sets.Items)
	}
}

// driverTransform leaves of a DaemonSet what provider.DriverIn reads, and of any other than
// the driver's nothing but its name.
func driverTransform(obj any) (any, error) {
	full, ok := obj.(*appsv1.DaemonSet)
	if !ok {
		return obj, nil
	}
	kept := &appsv1.DaemonSet{ObjectMeta: keptMeta(&full.ObjectMeta, nil, func(string) bool { return false })}
	if provider.DriverIn([]appsv1.DaemonSet{*full}) == nil {
		return kept, nil
	}
	kept.Spec.Template.Spec.NodeSelector = full.Spec.Template.Spec.NodeSelector
	for _, c := range full.Spec.Template.Spec.Containers {
		kept.Spec.Template.Spec.Containers = append(kept.Spec.Template.Spec.Containers, corev1.Container{
			Name: c.Name, Image: c.Image, Command: c.Command, Args: c.Args,
		})
	}
	return kept, nil
}
