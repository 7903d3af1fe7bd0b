package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/pager"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

// Scope says which pods are looked at.
type Scope struct {
	// Namespace of the pods; empty is all of them.
	Namespace string
	// Names of pods; none is all of them.
	Names []string
	// Selector of labels, as kubectl -l has it.
	Selector string
}

// Cluster reads what a Snapshot holds. It only reads.
type Cluster struct {
	Client dynamic.Interface
	Scope  Scope
}

var (
	pods       = corev1.SchemeGroupVersion.WithResource("pods")
	events     = corev1.SchemeGroupVersion.WithResource("events")
	records    = secretsstorev1.SchemeGroupVersion.WithResource("secretproviderclasspodstatuses")
	classes    = secretsstorev1.SchemeGroupVersion.WithResource("secretproviderclasses")
	csiDrivers = storagev1.SchemeGroupVersion.WithResource("csidrivers")
	daemonSets = appsv1.SchemeGroupVersion.WithResource("daemonsets")
)

// Read reads a snapshot. What cannot be read without more rights, and costs no more than a part
// of the answer, is reported in the notes.
func (c *Cluster) Read(ctx context.Context) (_ *Snapshot, notes []string, err error) {
	f := &Snapshot{}
	if f.Pods, f.Missing, err = c.pods(ctx); err != nil || len(f.Pods) == 0 {
		return f, nil, err
	}
	// After the pods: see Facts.
	if f.Records, err = list[secretsstorev1.SecretProviderClassPodStatus](ctx, c, records, metav1.ListOptions{}); err != nil {
		return nil, nil, err
	}
	note := func(err error, lost string) {
		notes = append(notes, fmt.Sprintf("%v; so %s", err, lost))
	}
	all, err := list[secretsstorev1.SecretProviderClass](ctx, c, classes, metav1.ListOptions{})
	if err != nil {
		f.ClassesUnknown = "the classes could not be read"
		note(err, "which objects of which vaults are mounted is not known")
	}
	f.Classes = byNamespace(all)
	if f.Events, err = c.failures(ctx); err != nil {
		note(err, "nothing is said of mounts that failed")
	}
	if err := c.driver(ctx, f); err != nil {
		note(err, "when a new version is due is not known")
	}
	return f, notes, nil
}

func byNamespace(all []secretsstorev1.SecretProviderClass) map[string]map[string]*facts.Class {
	classes := map[string]map[string]*facts.Class{}
	for i := range all {
		ns := all[i].Namespace
		if classes[ns] == nil {
			classes[ns] = map[string]*facts.Class{}
		}
		classes[ns][all[i].Name] = facts.NewClass(&all[i])
	}
	return classes
}

// pods that are named, or all that the selector finds. Those that are named but not found are
// told, and an error if there are no others.
func (c *Cluster) pods(ctx context.Context) (found []corev1.Pod, missing []string, err error) {
	if len(c.Scope.Names) == 0 {
		found, err = list[corev1.Pod](ctx, c, pods, metav1.ListOptions{LabelSelector: c.Scope.Selector})
		return slices.DeleteFunc(found, func(p corev1.Pod) bool { return !mountsSecrets(&p) || going(&p) }), nil, err
	}
	for _, name := range c.Scope.Names {
		pod, err := get[corev1.Pod](ctx, c.Client.Resource(pods).Namespace(c.Scope.Namespace), "pod", name)
		switch {
		case err != nil:
			missing = append(missing, err.Error())
		case !mountsSecrets(pod):
			missing = append(missing, fmt.Sprintf("pod %s/%s has no volume of the secrets store", c.Scope.Namespace, name))
		case going(pod):
			missing = append(missing, fmt.Sprintf("pod %s/%s has finished, or is being deleted", c.Scope.Namespace, name))
		default:
			found = append(found, *pod)
		}
	}
	if len(found) == 0 {
		return nil, nil, errors.New(strings.Join(missing, "; "))
	}
	return found, missing, nil
}

// failures are the events that failuresByPod looks for. Events are many: the API server
// picks them.
func (c *Cluster) failures(ctx context.Context) ([]corev1.Event, error) {
	var all []corev1.Event
	for _, reason := range failureReasons {
		found, err := list[corev1.Event](ctx, c, events, metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod,reason=" + reason})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// driver reads what the cluster does to rotate.
func (c *Cluster) driver(ctx context.Context, f *Snapshot) error {
	known, err := facts.Gather(ctx, source{c: c}, nil, facts.Needs{CSIDriver: true})
	if err != nil {
		return err
	}
	f.Driver, f.Rotation = known.Driver, known.Rotation()
	return nil
}

// source is a Source of the facts about the driver alone: what else counts is listed.
type source struct {
	facts.Partial
	c *Cluster
}

// ServiceAccount is not known.
func (source) ServiceAccount(context.Context, string) (*corev1.ServiceAccount, error) {
	return nil, facts.ErrUnknown
}

// Class is not known.
func (source) Class(context.Context, string) (*secretsstorev1.SecretProviderClass, error) {
	return nil, facts.ErrUnknown
}

// SyncedBy is not known.
func (source) SyncedBy(context.Context, []string) (map[string][]string, error) {
	return nil, facts.ErrUnknown
}

// CSIDriver of the Secrets Store CSI driver. That there is none is worth an error here:
// something mounts secrets.
func (s source) CSIDriver(ctx context.Context) (*storagev1.CSIDriver, error) {
	return get[storagev1.CSIDriver](ctx, s.c.Client.Resource(csiDrivers), "csidriver", provider.DriverName)
}

// Driver is what the driver's DaemonSet says, in whatever namespace it is.
func (s source) Driver(ctx context.Context) (*provider.Driver, error) {
	everywhere := &Cluster{Client: s.c.Client}
	sets, err := list[appsv1.DaemonSet](ctx, everywhere, daemonSets, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return provider.DriverIn(sets), nil
}

// get reads one object.
func get[T any](ctx context.Context, from dynamic.ResourceInterface, kind, name string) (*T, error) {
	o, err := from.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", kind, name, err)
	}
	return convert[T](o)
}

// list reads a list, page by page.
func list[T any](ctx context.Context, c *Cluster, resource schema.GroupVersionResource, options metav1.ListOptions) ([]T, error) {
	var all []T
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return c.Client.Resource(resource).Namespace(c.Scope.Namespace).List(ctx, options)
	})
	err := pages.EachListItem(ctx, options, func(o runtime.Object) error {
		u, ok := o.(*unstructured.Unstructured)
		if !ok {
			return fmt.Errorf("an item is %T", o)
		}
		typed, err := convert[T](u)
		if err != nil {
			return err
		}
		all = append(all, *typed)
		return nil
	})
	if err != nil {
		return nil, c.listError(resource, err)
	}
	return all, nil
}

// listError says which right is missing, where it is that.
func (c *Cluster) listError(resource schema.GroupVersionResource, err error) error {
	name := resource.GroupResource().String()
	where := "-A"
	if c.Scope.Namespace != "" {
		where = "-n " + c.Scope.Namespace
	}
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("you may not list %s (kubectl auth can-i list %s %s)", name, name, where)
	case apierrors.IsNotFound(err) && resource.Group == secretsstorev1.SchemeGroupVersion.Group:
		return fmt.Errorf("the cluster does not know %s: the Secrets Store CSI driver is not installed", name)
	}
	return fmt.Errorf("listing %s: %s", name, strings.TrimSpace(err.Error()))
}

func convert[T any](o *unstructured.Unstructured) (*T, error) {
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, typed); err != nil {
		return nil, fmt.Errorf("%s %s/%s: %w", o.GetKind(), o.GetNamespace(), o.GetName(), err)
	}
	return typed, nil
}
