package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/az"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/text"
)

// callTimeout is how long one call to the API server may take.
const callTimeout = 5 * time.Second

// Patient is the cluster that is looked at, with the caller's rights.
type Patient struct {
	Client  kubernetes.Interface
	Dynamic dynamic.Interface
	// Before is set before akv-injector is installed.
	Before bool
	// AsWorkload lets a check sign in as the workload's ServiceAccount.
	AsWorkload bool
	// WithAz lets checks ask Azure Resource Manager, with az.
	WithAz bool
	// Target is the pod, or the template of a workload, that is looked at; nil for the cluster alone.
	Target *workload.Target
	// Namespace and Name of the object that Target is in.
	Namespace, Name string
	object          *manifest.Object
	// started is when the pod's first container started; not set before.
	started time.Time

	csiDriver    once[*storagev1.CSIDriver]
	daemonSets   once[[]appsv1.DaemonSet]
	mutating     once[[]admissionregistrationv1.MutatingWebhookConfiguration]
	validating   once[[]admissionregistrationv1.ValidatingWebhookConfiguration]
	installed    once[*appsv1.Deployment]
	itsNamespace once[*corev1.Namespace]
	issuer       once[string]
	az           az.Reader
}

// once keeps the first answer, and the first error.
type once[T any] struct {
	value T
	err   error
	asked bool
}

func (o *once[T]) get(ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	if !o.asked {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		o.value, o.err = ask(ctx)
		o.asked = true
	}
	return o.value, o.err
}

// unseen says in a line why something could not be looked at.
func unseen(err error, verb, resource, namespace string) error {
	where := "-A"
	if namespace != "" {
		where = "-n " + namespace
	}
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("you may not %s %s (kubectl auth can-i %s %s %s)", verb, resource, verb, resource, where)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the API server does not answer within %s", callTimeout)
	}
	return errors.New(oneLine(err.Error()))
}

// oneLine bounds what others say.
func oneLine(s string) string { return text.Line(strings.Join(strings.Fields(s), " "), 400) }

// CSIDriver is the driver's object, nil if there is none.
func (p *Patient) CSIDriver(ctx context.Context) (*storagev1.CSIDriver, error) {
	return p.csiDriver.get(ctx, func(ctx context.Context) (*storagev1.CSIDriver, error) {
		driver, err := p.Client.StorageV1().CSIDrivers().Get(ctx, provider.DriverName, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, unseen(err, "get", "csidrivers", "")
		}
		return driver, nil
	})
}

// DaemonSets are those of all namespaces.
func (p *Patient) DaemonSets(ctx context.Context) ([]appsv1.DaemonSet, error) {
	return p.daemonSets.get(ctx, func(ctx context.Context) ([]appsv1.DaemonSet, error) {
		list, err := p.Client.AppsV1().DaemonSets(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, unseen(err, "list", "daemonsets.apps", "")
		}
		return list.Items, nil
	})
}

// Rotation is how the cluster rotates. It is not known without the driver's DaemonSet.
func (p *Patient) Rotation(ctx context.Context) (facts.Rotation, *provider.Driver, error) {
	driver, err := p.CSIDriver(ctx)
	if err != nil {
		return facts.Rotation{}, nil, err
	}
	sets, err := p.DaemonSets(ctx)
	if err != nil {
		return facts.Rotation{}, nil, err
	}
	f := facts.Facts{CSIDriver: driver, NoCSIDriver: driver == nil, Driver: provider.DriverIn(sets)}
	return f.Rotation(), f.Driver, nil
}

// Mutating are all mutating webhook configurations.
func (p *Patient) Mutating(ctx context.Context) ([]admissionregistrationv1.MutatingWebhookConfiguration, error) {
	return p.mutating.get(ctx, func(ctx context.Context) ([]admissionregistrationv1.MutatingWebhookConfiguration, error) {
		list, err := p.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, unseen(err, "list", "mutatingwebhookconfigurations", "")
		}
		return list.Items, nil
	})
}

// Validating are all validating webhook configurations.
func (p *Patient) Validating(ctx context.Context) ([]admissionregistrationv1.ValidatingWebhookConfiguration, error) {
	return p.validating.get(ctx, func(ctx context.Context) ([]admissionregistrationv1.ValidatingWebhookConfiguration, error) {
		list, err := p.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, unseen(err, "list", "validatingwebhookconfigurations", "")
		}
		return list.Items, nil
	})
}

// Installed is akv-injector's Deployment, nil if there is none.
func (p *Patient) Installed(ctx context.Context) (*appsv1.Deployment, error) {
	return p.installed.get(ctx, func(ctx context.Context) (*appsv1.Deployment, error) {
		list, err := p.Client.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=akv-injector"})
		switch {
		case err != nil:
			return nil, unseen(err, "list", "deployments.apps", "")
		case len(list.Items) == 0:
			return nil, nil
		}
		return &list.Items[0], nil
	})
}

// InjectorNamespace is where akv-injector is, or, if that is not known, where the chart's own command puts it.
func (p *Patient) InjectorNamespace(ctx context.Context) string {
	if d, err := p.Installed(ctx); err == nil && d != nil {
		return d.Namespace
	}
	return "akv-injector-system"
}

// injectorAccount is the user that akv-injector is to the API server.
func (p *Patient) injectorAccount(ctx context.Context) string {
	name := "akv-injector"
	if d, err := p.Installed(ctx); err == nil && d != nil && d.Spec.Template.Spec.ServiceAccountName != "" {
		name = d.Spec.Template.Spec.ServiceAccountName
	}
	return "system:serviceaccount:" + p.InjectorNamespace(ctx) + ":" + name
}

// NamespaceObject is the target's namespace.
func (p *Patient) NamespaceObject(ctx context.Context) (*corev1.Namespace, error) {
	return p.itsNamespace.get(ctx, func(ctx context.Context) (*corev1.Namespace, error) {
		ns, err := p.Client.CoreV1().Namespaces().Get(ctx, p.Namespace, metav1.GetOptions{})
		if err != nil {
			return nil, unseen(err, "get", "namespaces", "")
		}
		return ns, nil
	})
}

// Reach fails if the API server cannot be asked at all: then nothing else is worth a try.
func (p *Patient) Reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := p.Client.Discovery().RESTClient().Get().AbsPath("/version").Do(ctx).Error()
	switch {
	case err == nil, apierrors.IsForbidden(err):
		return nil
	case apierrors.IsUnauthorized(err):
		return errors.New("the cluster does not know you: log in again (az aks get-credentials, kubelogin)")
	}
	return unseen(err, "get", "/version", "")
}
