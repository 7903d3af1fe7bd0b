package webhook

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
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
	f := &driverFlags{cache: c, namespace: namespace, log: log}
	f.outdated.Store(true)
	return f.read
}

// driverFlags reads DaemonSets again only when one of them has changed: every admission asks for the flags.
type driverFlags struct {
	cache     DriverCache
	namespace string
	log       logr.Logger

	mu       sync.Mutex // guards changes of what follows
	informer atomic.Pointer[cache.Informer]
	// outdated is set by the informer, after the cache has what it tells of.
	outdated atomic.Bool
	known    atomic.Pointer[provider.Driver]
	once     sync.Once
}

func (f *driverFlags) report(why string, err error) {
	f.once.Do(func() {
		f.log.Info("the CSI driver's flags are not known, so nothing can be said of the real rotation interval (AKV015); "+
			"may akv-injector list and watch DaemonSets there?", "namespace", f.namespace, "reason", why, "error", err)
	})
}

func (f *driverFlags) read(ctx context.Context) *provider.Driver {
	informer, err := f.watch(ctx)
	switch {
	case err != nil:
		f.report("no cache", err)
		return nil
	case !informer.HasSynced():
		f.report("the cache is not filled", nil)
		return nil
	case !f.outdated.Load():
		return f.known.Load()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.outdated.Swap(false) {
		return f.known.Load() // another admission was faster
	}
	var sets appsv1.DaemonSetList
	if err := f.cache.List(ctx, &sets, client.InNamespace(f.namespace), client.UnsafeDisableDeepCopy); err != nil {
		f.outdated.Store(true)
		f.report("the cache does not answer", err)
		return nil
	}
	driver := provider.DriverIn(sets.Items)
	f.known.Store(driver)
	return driver
}

// watch gets the informer, and has it tell of changes.
func (f *driverFlags) watch(ctx context.Context) (cache.Informer, error) {
	if informer := f.informer.Load(); informer != nil {
		return *informer, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if informer := f.informer.Load(); informer != nil {
		return *informer, nil
	}
	informer, err := f.cache.GetInformer(ctx, &appsv1.DaemonSet{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	changed := func() { f.outdated.Store(true) }
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { changed() },
		UpdateFunc: func(any, any) { changed() },
		DeleteFunc: func(any) { changed() },
	}); err != nil {
		return nil, err
	}
	f.informer.Store(&informer)
	return informer, nil
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
