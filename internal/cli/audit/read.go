package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/pager"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/internal/cli/manifest"
)

// Reader reads what verdicts depend on.
type Reader struct {
	Client dynamic.Interface
	// Namespace to read; empty is all of them.
	Namespace string
	// Autoscalers are read too.
	Autoscalers bool
}

// kind is a kind of objects to read.
type kind struct {
	resource schema.GroupVersionResource
	// everywhere is set for what is not in the namespace that is looked at: the driver's own objects.
	everywhere bool
	// optional kinds are not in every cluster.
	optional bool
	// tops leaves out what another object of these kinds makes.
	tops bool
}

var kinds = []kind{
	{resource: corev1.SchemeGroupVersion.WithResource("namespaces"), everywhere: true},
	{resource: storagev1.SchemeGroupVersion.WithResource("csidrivers"), everywhere: true},
	{resource: appsv1.SchemeGroupVersion.WithResource("daemonsets"), everywhere: true},
	{resource: corev1.SchemeGroupVersion.WithResource("serviceaccounts")},
	{resource: secretsstorev1.SchemeGroupVersion.WithResource("secretproviderclasses"), optional: true},
	{resource: appsv1.SchemeGroupVersion.WithResource("deployments")},
	{resource: appsv1.SchemeGroupVersion.WithResource("statefulsets")},
	{resource: appsv1.SchemeGroupVersion.WithResource("replicasets"), tops: true},
	{resource: corev1.SchemeGroupVersion.WithResource("replicationcontrollers"), tops: true},
	{resource: batchv1.SchemeGroupVersion.WithResource("cronjobs")},
	{resource: batchv1.SchemeGroupVersion.WithResource("jobs"), tops: true},
	{resource: corev1.SchemeGroupVersion.WithResource("pods"), tops: true},
	{resource: schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"}, optional: true},
	{resource: schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}, optional: true},
}

// Cluster is the name that stands where files have theirs.
const Cluster = "cluster"

// Read reads the cluster as a set of manifests. What may not be read is named in the notes, and then nothing is
// concluded from what is missing: complete is not set.
func (r *Reader) Read(ctx context.Context) (set *manifest.Set, complete bool, notes []string, err error) {
	set, complete = &manifest.Set{Files: 1}, true
	all := kinds
	if r.Autoscalers {
		all = append(slices.Clone(kinds), kind{resource: schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}})
	}
	for _, k := range all {
		err := r.list(ctx, k, func(o *unstructured.Unstructured) error {
			if k.tops && metav1.GetControllerOf(o) != nil || r.Namespace != "" && k.resource.Resource == "namespaces" && o.GetName() != r.Namespace {
				return nil
			}
			return add(set, o)
		})
		switch {
		case err == nil:
		case apierrors.IsForbidden(err):
			where := "-A"
			if r.Namespace != "" && !k.everywhere {
				where = "-n " + r.Namespace
			}
			name := k.resource.GroupResource().String()
			complete = false
			notes = append(notes, fmt.Sprintf("you may not list %s (kubectl auth can-i list %s %s), so nothing is said of what they would tell", name, name, where))
		case k.optional && (apierrors.IsNotFound(err) || meta.IsNoMatchError(err)):
		default:
			return nil, false, nil, fmt.Errorf("listing %s: %s", k.resource.GroupResource(), strings.TrimSpace(err.Error()))
		}
	}
	return set, complete, notes, nil
}

func (r *Reader) list(ctx context.Context, k kind, each func(*unstructured.Unstructured) error) error {
	var from dynamic.ResourceInterface = r.Client.Resource(k.resource)
	if r.Namespace != "" && !k.everywhere {
		from = r.Client.Resource(k.resource).Namespace(r.Namespace)
	}
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return from.List(ctx, options)
	})
	return pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		item, ok := o.(*unstructured.Unstructured)
		if !ok {
			return fmt.Errorf("an item is a %T", o)
		}
		return each(item)
	})
}

// add adds an object without what says nothing here and can be large.
func add(set *manifest.Set, o *unstructured.Unstructured) error {
	o.SetManagedFields(nil)
	annotations := o.GetAnnotations()
	if _, ok := annotations[corev1.LastAppliedConfigAnnotation]; ok {
		delete(annotations, corev1.LastAppliedConfigAnnotation)
		o.SetAnnotations(annotations)
	}
	unstructured.RemoveNestedField(o.Object, "status")
	text, err := json.Marshal(o.Object)
	if err != nil {
		return err
	}
	objects, problems := manifest.FromJSON(Cluster, text)
	set.Objects = append(set.Objects, objects...)
	set.Problems = append(set.Problems, slices.DeleteFunc(problems, func(p manifest.Problem) bool { return p.Note })...)
	return nil
}
