package preview

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/manifest"
)

// Live is a Cluster that asks the API server for what no file has. It only reads.
type Live struct {
	Files  *manifest.Cluster
	Client dynamic.Interface

	csiDriver once[*storagev1.CSIDriver]
	driver    once[*provider.Driver]
}

var (
	namespaces    = corev1.SchemeGroupVersion.WithResource("namespaces")
	accounts      = corev1.SchemeGroupVersion.WithResource("serviceaccounts")
	classes       = secretsstorev1.SchemeGroupVersion.WithResource("secretproviderclasses")
	csiDrivers    = storagev1.SchemeGroupVersion.WithResource("csidrivers")
	daemonSets    = appsv1.SchemeGroupVersion.WithResource("daemonsets")
	accessReviews = authorizationv1.SchemeGroupVersion.WithResource("subjectaccessreviews")
)

// NamespaceOf is the namespace in which an object will be.
func (l *Live) NamespaceOf(o *manifest.Object) string { return l.Files.NamespaceOf(o) }

// Ambiguities are those of the files.
func (l *Live) Ambiguities(o *manifest.Object, needs facts.Needs) []manifest.Ambiguity {
	return l.Files.From(o).Ambiguities(needs)
}

// Namespace of an object; one that does not exist yet counts as not known.
func (l *Live) Namespace(ctx context.Context, o *manifest.Object) (*corev1.Namespace, error) {
	if ns := l.Files.From(o).Namespace(); ns != nil {
		return ns, nil
	}
	return get[corev1.Namespace](ctx, l.Client.Resource(namespaces), "namespaces", "", l.NamespaceOf(o))
}

// Facts from the files, and from the cluster what they lack.
func (l *Live) Facts(ctx context.Context, o *manifest.Object, needs facts.Needs) (facts.Facts, error) {
	ns, err := l.Namespace(ctx, o)
	if err != nil {
		return facts.Facts{}, err
	}
	f, err := facts.Gather(ctx, &source{l: l, files: l.Files.From(o).Source(), namespace: l.NamespaceOf(o)}, ns, needs)
	f.Now = l.Files.Now
	return f, err
}

// source asks the API server for what the files do not have.
type source struct {
	facts.Partial
	l         *Live
	files     facts.Source
	namespace string
}

// ServiceAccount of that name.
func (s *source) ServiceAccount(ctx context.Context, name string) (*corev1.ServiceAccount, error) {
	if account, err := s.files.ServiceAccount(ctx, name); !errors.Is(err, facts.ErrUnknown) {
		return account, err
	}
	return get[corev1.ServiceAccount](ctx, s.l.Client.Resource(accounts).Namespace(s.namespace), "serviceaccounts", s.namespace, name)
}

// Class of that name.
func (s *source) Class(ctx context.Context, name string) (*secretsstorev1.SecretProviderClass, error) {
	if class, err := s.files.Class(ctx, name); !errors.Is(err, facts.ErrUnknown) {
		return class, err
	}
	class, err := get[secretsstorev1.SecretProviderClass](ctx, s.l.Client.Resource(classes).Namespace(s.namespace), "secretproviderclasses."+classes.Group, s.namespace, name)
	if errors.Is(err, errNoResource) {
		return nil, facts.ErrNoClassCRD
	}
	return class, err
}

// SyncedBy is what the files say: a list of all classes is more than many people may see.
func (s *source) SyncedBy(ctx context.Context, secrets []string) (map[string][]string, error) {
	return s.files.SyncedBy(ctx, secrets)
}

// MayUse asks the API server. Few may ask it about others: without that right it is not known.
func (s *source) MayUse(ctx context.Context, use facts.Use) (facts.Permission, error) {
	review := use.Review(s.namespace)
	review.APIVersion, review.Kind = authorizationv1.SchemeGroupVersion.String(), "SubjectAccessReview"
	asked, err := runtime.DefaultUnstructuredConverter.ToUnstructured(review)
	if err != nil {
		return facts.Denied, err
	}
	answer, err := s.l.Client.Resource(accessReviews).Create(ctx, &unstructured.Unstructured{Object: asked}, metav1.CreateOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return facts.Denied, facts.ErrUnknown
	case err != nil:
		return facts.Denied, fmt.Errorf("asking whether ServiceAccount %s may use the identity %s: %w", use.Account, use.ClientID, err)
	}
	typed, err := convert[authorizationv1.SubjectAccessReview](answer)
	if err != nil {
		return facts.Denied, err
	}
	return facts.PermissionIn(&typed.Status), nil
}

// CSIDriver of the Secrets Store CSI driver, which is asked for once.
func (s *source) CSIDriver(ctx context.Context) (*storagev1.CSIDriver, error) {
	if driver, err := s.files.CSIDriver(ctx); !errors.Is(err, facts.ErrUnknown) {
		return driver, err
	}
	return s.l.csiDriver.get(func() (*storagev1.CSIDriver, error) {
		return get[storagev1.CSIDriver](ctx, s.l.Client.Resource(csiDrivers), "csidrivers.storage.k8s.io", "", provider.DriverName)
	})
}

// Driver is what the driver's DaemonSet says, which is asked for once. DaemonSets of all
// namespaces are more than many people may list: without that right nothing is said of
// rotation.
func (s *source) Driver(ctx context.Context) (*provider.Driver, error) {
	if driver, err := s.files.Driver(ctx); !errors.Is(err, facts.ErrUnknown) {
		return driver, err
	}
	return s.l.driver.get(func() (*provider.Driver, error) {
		list, err := s.l.Client.Resource(daemonSets).List(ctx, metav1.ListOptions{})
		switch {
		case apierrors.IsForbidden(err):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("listing daemonsets.apps in all namespaces: %w", err)
		}
		var sets []appsv1.DaemonSet
		for i := range list.Items {
			set, err := convert[appsv1.DaemonSet](&list.Items[i])
			if err != nil {
				return nil, err
			}
			sets = append(sets, *set)
		}
		return provider.DriverIn(sets), nil
	})
}

// once keeps the first answer.
type once[T any] struct {
	value T
	known bool
}

func (o *once[T]) get(ask func() (T, error)) (T, error) {
	if o.known {
		return o.value, nil
	}
	value, err := ask()
	if err == nil {
		o.value, o.known = value, true
	}
	return value, err
}

// errNoResource says that the cluster does not know the kind, which is more than that it
// has no object of that name.
var errNoResource = errors.New("the cluster has no such resource")

// get reads one object, nil if there is none.
func get[T any](ctx context.Context, from dynamic.ResourceInterface, resource, namespace, name string) (*T, error) {
	o, err := from.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse):
		return nil, fmt.Errorf("%s: %w", resource, errNoResource)
	case apierrors.IsNotFound(err):
		return nil, nil
	case apierrors.IsForbidden(err):
		where := ""
		if namespace != "" {
			where = " -n " + namespace
		}
		return nil, fmt.Errorf("--live needs the right to read %s (kubectl auth can-i get %s%s), or the file of %s: %w", resource, resource, where, name, err)
	case err != nil:
		return nil, fmt.Errorf("reading %s %s from the cluster: %w", resource, name, err)
	}
	return convert[T](o)
}

func convert[T any](o *unstructured.Unstructured) (*T, error) {
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, typed); err != nil {
		return nil, fmt.Errorf("%s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
	}
	return typed, nil
}
