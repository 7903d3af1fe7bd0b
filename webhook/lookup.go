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

	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// Getter reads one object; every client.Reader is one.
type Getter interface {
	Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error
}

// lookup gathers facts. It asks the cache first and the API server where the cache
// has nothing: what was created a moment ago is not in the cache yet.
type lookup struct {
	cached, live Getter
	driver       DriverFunc
	syncedBy     SyncedByFunc
	mayUse       MayUseFunc
	calls        CallsFunc
	classes      *classContents
	// onlyLive skips the cache.
	onlyLive bool
	// fromCache is set once an answer came from the cache, and so may be stale.
	fromCache bool
}

func (a *Admission) lookup() *lookup {
	return &lookup{cached: a.cached, live: a.live, driver: a.driver, syncedBy: a.syncedBy, mayUse: a.mayUse, calls: a.calls, classes: a.classes}
}

// liveLookup asks the API server and no cache.
func (a *Admission) liveLookup() *lookup {
	return &lookup{live: a.live, driver: a.driver, syncedBy: a.syncedBy, mayUse: a.mayUse, calls: a.calls, classes: a.classes, onlyLive: true}
}

// get reads an object and reports whether there is one. The error is a failed lookup,
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

// unknownKind reports whether the error says that the kind does not exist. A kind
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

// in is a Source of facts about what is in a namespace.
func (l *lookup) in(namespace string) facts.Source { return &source{l, namespace} }

// source looks up facts for package facts.
type source struct {
	*lookup
	ns string
}

// ServiceAccount looks a ServiceAccount up.
func (s *source) ServiceAccount(ctx context.Context, name string) (*corev1.ServiceAccount, error) {
	account := &corev1.ServiceAccount{}
	found, err := s.get(ctx, "ServiceAccount", client.ObjectKey{Namespace: s.ns, Name: name}, account)
	return orNil(found, account), err
}

// Class looks a SecretProviderClass up.
func (s *source) Class(ctx context.Context, name string) (*secretsstorev1.SecretProviderClass, error) {
	class := &secretsstorev1.SecretProviderClass{}
	key := client.ObjectKey{Namespace: s.ns, Name: name}
	if !s.onlyLive && len(content.IsPathSegmentName(name)) == 0 && name != "" && s.cached.Get(ctx, key, class) == nil {
		if whole := s.classes.whole(class); whole != nil {
			s.fromCache = true
			return whole, nil
		}
	}
	class = &secretsstorev1.SecretProviderClass{}
	live := *s.lookup
	live.onlyLive = true
	found, err := live.get(ctx, "SecretProviderClass", key, class)
	if found {
		s.classes.keep(class)
	}
	if errors.Is(err, errUnknownKind) {
		return nil, facts.ErrNoClassCRD
	}
	return orNil(found, class), err
}

// SyncedBy is answered by the cache, or not at all: no verdict is worth a list of classes from the API server.
func (s *source) SyncedBy(ctx context.Context, secrets []string) (map[string][]string, error) {
	if s.syncedBy == nil {
		return nil, facts.ErrUnknown
	}
	by, err := s.syncedBy(ctx, s.ns, secrets)
	if err != nil {
		return nil, facts.ErrUnknown
	}
	s.fromCache = true
	return by, nil
}

// Calls are counted as pods come and go.
func (s *source) Calls(_ context.Context, vault facts.VaultRef) (int, error) {
	if s.calls != nil {
		if calls, known := s.calls(vault); known {
			return calls, nil
		}
	}
	return 0, facts.ErrUnknown
}

// MayUse asks the API server each time: roles change at any moment, and no watch of all of them would be worth it.
func (s *source) MayUse(ctx context.Context, use facts.Use) (facts.Permission, error) {
	if s.mayUse == nil {
		return facts.Denied, facts.ErrUnknown
	}
	return s.mayUse(ctx, s.ns, use)
}

// CSIDriver looks the driver's object up. There is one in a cluster, which comes with the
// driver: that the cache has none is believed, or each pod would cost a call where the
// driver is missing.
func (s *source) CSIDriver(ctx context.Context) (*storagev1.CSIDriver, error) {
	driver := &storagev1.CSIDriver{}
	key := client.ObjectKey{Name: provider.DriverName}
	if !s.onlyLive && apierrors.IsNotFound(s.cached.Get(ctx, key, driver)) {
		s.fromCache = true
		return nil, nil
	}
	found, err := s.get(ctx, "CSIDriver", key, driver)
	return orNil(found, driver), err
}

// Driver is what the driver's DaemonSet says.
func (s *source) Driver(ctx context.Context) (*provider.Driver, error) { return s.driver(ctx), nil }

// add looks up what is needed and is not among the facts yet.
func (l *lookup) add(ctx context.Context, f *facts.Facts, needs facts.Needs) error {
	return f.Add(ctx, l.in(f.Namespace.Name), needs)
}

func orNil[T any](found bool, obj *T) *T {
	if !found {
		return nil
	}
	return obj
}
