package webhook

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validate/content"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// Getter reads one object; every client.Reader is one.
type Getter interface {
	Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error
}

// maxLookups is the most objects that are looked up for one pod or template. It can name
// tens of thousands, and each that the cache does not know is a call.
const maxLookups = 200

// lookup gathers facts. It asks the cache first and the API server where the cache
// has nothing: what was created a moment ago is not in the cache yet.
type lookup struct {
	cached, live Getter
	driver       DriverFunc
	// onlyLive skips the cache.
	onlyLive bool
	// fromCache is set once an answer came from the cache, and so may be stale.
	fromCache bool
}

func (a *Admission) lookup() *lookup {
	return &lookup{cached: a.cached, live: a.live, driver: a.driver}
}

// liveLookup asks nobody but the API server.
func (a *Admission) liveLookup() *lookup {
	return &lookup{live: a.live, driver: a.driver, onlyLive: true}
}

// get reads an object and tells whether there is one. The error is a failed lookup,
// of which nothing can be concluded.
func (l *lookup) get(ctx context.Context, kind string, key client.ObjectKey, obj client.Object) (found bool, err error) {
	// The client would refuse to ask. No object can have such a name.
	if key.Name == "" || len(content.IsPathSegmentName(key.Name)) > 0 {
		return false, nil
	}
	// Whatever else the cache answers (not found, not started), the API server knows.
	if !l.onlyLive && l.cached.Get(ctx, key, obj) == nil {
		l.fromCache = true
		return true, nil
	}
	err = l.live.Get(ctx, key, obj)
	switch {
	case err == nil:
		return true, nil
	case unknownKind(err):
		return false, fmt.Errorf("looking up %s: %w: %w", kind, errUnknownKind, err)
	case apierrors.IsNotFound(err):
		return false, nil
	}
	return false, fmt.Errorf("looking up %s %s: %w", kind, line(key.String(), maxDetail), err)
}

// errUnknownKind says that no object of that kind can be there.
var errUnknownKind = errors.New("the API server does not know this kind; is its CRD installed?")

// unknownKind tells whether the error says that the kind does not exist. A kind
// that was there when the client learnt of it, and is gone, gives a plain 404.
func unknownKind(err error) bool {
	return meta.IsNoMatchError(err) ||
		apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// namespace reads the pod's namespace. One that is not opted in according to the
// cache is read again: it may have been labelled a moment ago, and the API server,
// whose own selector sent the pod to us, knows already.
func (l *lookup) namespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	ns := &corev1.Namespace{}
	key := client.ObjectKey{Name: name}
	if !l.onlyLive && l.cached.Get(ctx, key, ns) == nil && annotation.OptedIn(ns) {
		l.fromCache = true
		return ns, nil
	}
	// A fresh object: decoding into the cache's answer would merge the two.
	ns = &corev1.Namespace{}
	if err := l.live.Get(ctx, key, ns); err != nil {
		return nil, fmt.Errorf("looking up Namespace %s: %w", line(name, maxName), err)
	}
	return ns, nil
}

// newFacts are those about a namespace of which nothing else is known.
func newFacts(ns *corev1.Namespace) inject.Facts {
	return inject.Facts{
		Namespace:       ns,
		ServiceAccounts: map[string]*corev1.ServiceAccount{},
		Classes:         map[string]*secretsstorev1.SecretProviderClass{},
	}
}

// add looks up what a decision needs and is not known yet.
func (l *lookup) add(ctx context.Context, f *inject.Facts, needs inject.Needs) error {
	if n := len(needs.ServiceAccounts) + len(needs.Classes); n > maxLookups {
		return fmt.Errorf("the object names %d ServiceAccounts and SecretProviderClasses; at most %d are looked up", n, maxLookups)
	}
	for _, name := range needs.ServiceAccounts {
		if _, known := f.ServiceAccounts[name]; known {
			continue
		}
		account := &corev1.ServiceAccount{}
		found, err := l.get(ctx, "ServiceAccount", client.ObjectKey{Namespace: f.Namespace.Name, Name: name}, account)
		if err != nil {
			return err
		}
		f.ServiceAccounts[name] = orNil(found, account)
	}
	for _, name := range needs.Classes {
		if err := l.class(ctx, f, name); err != nil {
			return err
		}
	}
	if needs.CSIDriver && f.CSIDriver == nil && !f.NoCSIDriver {
		f.Driver = l.driver(ctx)
		return l.csiDriver(ctx, f)
	}
	return nil
}

// class looks up a class. Where the cluster does not know classes at all, there is
// nothing more to find.
func (l *lookup) class(ctx context.Context, f *inject.Facts, name string) error {
	if _, known := f.Classes[name]; known || f.NoClassCRD {
		return nil
	}
	class := &secretsstorev1.SecretProviderClass{}
	found, err := l.get(ctx, "SecretProviderClass", client.ObjectKey{Namespace: f.Namespace.Name, Name: name}, class)
	switch {
	case errors.Is(err, errUnknownKind):
		f.NoClassCRD = true
		return nil
	case err != nil:
		return err
	}
	f.Classes[name] = orNil(found, class)
	return nil
}

// csiDriver looks up the driver's object. There is one in a cluster, which comes with the
// driver: that the cache has none is believed, or each pod would cost a call where the
// driver is missing.
func (l *lookup) csiDriver(ctx context.Context, f *inject.Facts) error {
	driver := &storagev1.CSIDriver{}
	key := client.ObjectKey{Name: provider.DriverName}
	if !l.onlyLive && apierrors.IsNotFound(l.cached.Get(ctx, key, driver)) {
		l.fromCache, f.NoCSIDriver = true, true
		return nil
	}
	found, err := l.get(ctx, "CSIDriver", key, driver)
	if err != nil {
		return err
	}
	f.CSIDriver, f.NoCSIDriver = orNil(found, driver), !found
	return nil
}

func orNil[T any](found bool, obj *T) *T {
	if !found {
		return nil
	}
	return obj
}
