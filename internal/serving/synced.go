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

// syncedTimeout limits a check that has to ask the API server, for a kind that it did
// not know before. The kubelet's probe waits for 3 s.
const syncedTimeout = 2 * time.Second

// Informers has the informers of a cache.Cache.
type Informers interface {
	GetInformer(ctx context.Context, obj client.Object, opts ...cache.InformerGetOption) (cache.Informer, error)
}

// Synced returns a readiness check: the cache holds all objects of obj's kind. The first
// call starts that kind's informer, unless it runs already. A kind that the API server
// does not know is looked up again with every call; the reason then ends with fix, which
// says what to install.
func Synced(informers Informers, obj client.Object, fix string) Check {
	return func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), syncedTimeout)
		defer cancel()
		informer, err := informers.GetInformer(ctx, obj, cache.BlockUntilSynced(false))
		switch {
		case meta.IsNoMatchError(err) && fix != "":
			return fmt.Errorf("the API server does not know the kind of %T (%w); %s", obj, err, fix)
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
