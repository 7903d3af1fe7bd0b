package preview

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/provider"
	"akv-injector/internal/cli/manifest"
)

// Live is a Cluster that asks the API server for what no file has. It only reads.
type Live struct {
	Files  *manifest.Cluster
	Client dynamic.Interface

	driver *driverFacts
}

type driverFacts struct {
	csiDriver *storagev1.CSIDriver
	driver    *provider.Driver
}

var (
	namespaces = corev1.SchemeGroupVersion.WithResource("namespaces")
	accounts   = corev1.SchemeGroupVersion.WithResource("serviceaccounts")
	classes    = secretsstorev1.SchemeGroupVersion.WithResource("secretproviderclasses")
	csiDrivers = storagev1.SchemeGroupVersion.WithResource("csidrivers")
	daemonSets = appsv1.SchemeGroupVersion.WithResource("daemonsets")
)

// NamespaceOf is the namespace in which an object will be.
func (l *Live) NamespaceOf(o *manifest.Object) string { return l.Files.NamespaceOf(o) }

// Namespace of that name; one that does not exist yet counts as one that nobody knows.
func (l *Live) Namespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	if ns := l.Files.Namespace(name); ns != nil {
		return ns, nil
	}
	return get[corev1.Namespace](ctx, l.Client.Resource(namespaces), "namespaces", "", name)
}

// Facts from the files, and from the cluster what they lack.
func (l *Live) Facts(ctx context.Context, namespace string, needs inject.Needs) (inject.Facts, error) {
	f := l.Files.Facts(namespace, needs)
	var err error
	if f.Namespace == nil {
		if f.Namespace, err = l.Namespace(ctx, namespace); err != nil {
			return f, err
		}
	}
	for _, name := range needs.ServiceAccounts {
		if _, ok := f.ServiceAccounts[name]; ok {
			continue
		}
		if f.ServiceAccounts[name], err = get[corev1.ServiceAccount](ctx, l.Client.Resource(accounts).Namespace(namespace), "serviceaccounts", namespace, name); err != nil {
			return f, err
		}
	}
	for _, name := range needs.Classes {
		if _, ok := f.Classes[name]; ok {
			continue
		}
		if f.Classes[name], err = get[secretsstorev1.SecretProviderClass](ctx, l.Client.Resource(classes).Namespace(namespace), "secretproviderclasses."+classes.Group, namespace, name); errors.Is(err, errNoResource) {
			f.NoClassCRD = true
		} else if err != nil {
			return f, err
		}
	}
	if !needs.CSIDriver {
		return f, nil
	}
	d, err := l.driverFacts(ctx)
	if err != nil {
		return f, err
	}
	if f.CSIDriver == nil {
		f.CSIDriver = d.csiDriver
		f.NoCSIDriver = f.CSIDriver == nil
	}
	if f.Driver == nil {
		f.Driver = d.driver
	}
	return f, nil
}

// driverFacts are asked for once. DaemonSets of all namespaces are more than many people
// may list: without that right nothing is said of rotation.
func (l *Live) driverFacts(ctx context.Context) (*driverFacts, error) {
	if l.driver != nil {
		return l.driver, nil
	}
	d := &driverFacts{}
	var err error
	if d.csiDriver, err = get[storagev1.CSIDriver](ctx, l.Client.Resource(csiDrivers), "csidrivers.storage.k8s.io", "", provider.DriverName); err != nil {
		return nil, err
	}
	list, err := l.Client.Resource(daemonSets).List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsForbidden(err):
	case err != nil:
		return nil, fmt.Errorf("listing daemonsets.apps in all namespaces: %w", err)
	default:
		var sets []appsv1.DaemonSet
		for i := range list.Items {
			set, err := convert[appsv1.DaemonSet](&list.Items[i])
			if err != nil {
				return nil, err
			}
			sets = append(sets, *set)
		}
		d.driver = provider.DriverIn(sets)
	}
	l.driver = d
	return d, nil
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
