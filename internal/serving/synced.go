package serving

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// syncedTimeout bounds a check that has to ask the API server (for a kind that it
// does not know yet). The kubelet's probe waits for 3 s.
const syncedTimeout = 2 * time.Second

// Informers are those of a cache.Cache.
type Informers interface {
	GetInformer(ctx context.Context, obj client.Object, opts ...cache.InformerGetOption) (cache.Informer, error)
}

// Synced is a readiness check: the cache has everything of a kind. The first call
// starts the cache of that kind, if nothing else did; a kind that the API server
// does not know is tried again with every call.
func Synced(informers Informers, obj client.Object) Check {
	return func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), syncedTimeout)
		defer cancel()
		informer, err := informers.GetInformer(ctx, obj, cache.BlockUntilSynced(false))
		switch {
		case meta.IsNoMatchError(err):
			return fmt.Errorf("AKV016 no-driver: the API server does not know the kind of %T; install the Secrets Store CSI driver with its CRDs, akv-injector goes on by itself: %w", obj, err)
		case err != nil:
			return fmt.Errorf("the cache of %T cannot be filled: %w", obj, err)
		case informer.IsStopped():
			return fmt.Errorf("the cache of %T has stopped", obj)
		case !informer.HasSynced():
			return fmt.Errorf("the cache of %T is not filled yet; if this stays, akv-injector may not list and watch it (RBAC), or the API server does not answer", obj)
		}
		return nil
	}
}
