package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// restorer writes generated classes again that are missing, or do not hold what
// their name stands for, while running pods mount them. It runs on every replica:
// the one that is a moment slower finds the class as it should be.
type restorer struct {
	cached  client.Reader
	live    client.Reader
	pods    *LivePods
	classes ClassWriter
	events  EventRecorder
	metrics *metrics
	now     func() time.Time

	reported reported
	// fence of namespaces that have none.
	fence  string
	broken stopwatch
}

// Reconcile looks at one class.
func (r *restorer) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	key := req.NamespacedName
	change, hindered, err := r.restore(ctx, key)
	switch {
	case err != nil && Refusal(err):
		// The refusal may be lifted without an event that reaches us: report it, and try again.
		r.hindered(ctx, key, &obstacle{reasonRefused, "Pods mount this class, but writing it was refused: " + err.Error()})
		return reconcile.Result{}, err
	case err != nil:
		r.metrics.failures.WithLabelValues(reasonFailed).Inc()
		return reconcile.Result{}, err
	}
	took, timed := r.broken.stop(key, r.now())
	if hindered != nil {
		r.hindered(ctx, key, hindered)
		return reconcile.Result{}, nil
	}
	r.reported.forget(key)
	if change == Created || change == Rewritten {
		r.metrics.restored.Inc()
		if timed {
			r.metrics.duration.Observe(took.Seconds())
		}
		action, note := restoredNote(change)
		record(r.events, key, normal, eventRestored, action, note)
		log.FromContext(ctx).Info("Restored a class that running pods mount", "change", change)
	}
	return reconcile.Result{}, nil
}

// restore does what the class needs. Where it needs to be restored and may not be,
// it returns the obstacle; an error means that a call failed.
func (r *restorer) restore(ctx context.Context, key types.NamespacedName) (change string, hindered *obstacle, err error) {
	if !provider.Generated(key.Name) {
		return Unchanged, nil, nil
	}
	var class secretsstorev1.SecretProviderClass
	err = r.cached.Get(ctx, key, &class)
	if client.IgnoreNotFound(err) != nil {
		return Unchanged, nil, fmt.Errorf("reading SecretProviderClass %s: %w", key, err)
	}
	missing := err != nil
	// A class that is being deleted comes back here when it is gone.
	if !missing && (intact(&class) || class.DeletionTimestamp != nil) {
		return Unchanged, nil, nil
	}

	pods, err := r.mounting(ctx, key)
	if err != nil || len(pods) == 0 {
		return Unchanged, nil, err
	}
	if !missing && !managed(&class) {
		return Unchanged, notOurs(key), nil
	}
	ns, err := r.namespace(ctx, key.Namespace)
	if err != nil || ns == nil || ns.DeletionTimestamp != nil {
		return Unchanged, nil, err
	}
	if !annotation.OptedIn(ns) {
		return Unchanged, notOptedIn(ns.Name), nil
	}
	content, ok := recoverClass(key.Name, pods)
	if !ok {
		whole, err := r.withStatus(ctx, pods)
		if err != nil {
			return Unchanged, nil, err
		}
		content, ok = recoverClass(key.Name, whole)
	}
	if !ok {
		return Unchanged, noRecord(), nil
	}
	// A fence with an error in it still holds: it allows less, never more.
	if !inject.AllowsVault(ns, r.fence, content.Vault()) {
		return Unchanged, vaultNotAllowed(ns.Name, content.Vault()), nil
	}

	change, err = r.classes.EnsureClass(ctx, key.Namespace, content)
	var beingDeleted *BeingDeletedError
	var foreign *NotOursError
	switch {
	case errors.As(err, &beingDeleted), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return Unchanged, nil, nil
	case errors.As(err, &foreign):
		// The cache has not seen it yet; an event follows.
		return Unchanged, nil, nil
	}
	return change, nil, err
}

// maxWhole is how many pods are read whole to restore a class.
const maxWhole = 5

// withStatus reads pods whose status the cache leaves out. One of them is enough to restore a
// class, unless somebody has edited it.
func (r *restorer) withStatus(ctx context.Context, pods []corev1.Pod) ([]corev1.Pod, error) {
	var whole []corev1.Pod
	for i := range pods {
		if _, leftOut := pods[i].Annotations[annotation.CachedContent]; !leftOut {
			continue
		}
		if len(whole) == maxWhole {
			break
		}
		var pod corev1.Pod
		err := r.live.Get(ctx, client.ObjectKeyFromObject(&pods[i]), &pod)
		switch {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading pod %s: %w", client.ObjectKeyFromObject(&pods[i]), err)
		}
		whole = append(whole, pod)
	}
	return whole, nil
}

// mounting are the unfinished pods that mount the class. If no injected pod does, one whose label was taken off may.
func (r *restorer) mounting(ctx context.Context, key types.NamespacedName) (mounting []corev1.Pod, err error) {
	var pods corev1.PodList
	err = r.cached.List(ctx, &pods, client.InNamespace(key.Namespace), client.MatchingFields{IndexClasses: key.Name},
		client.UnsafeDisableDeepCopy) // They are only read.
	if err != nil {
		return nil, fmt.Errorf("listing the pods that mount SecretProviderClass %s: %w", key, err)
	}
	if len(pods.Items) > 0 {
		return pods.Items, nil
	}
	all, err := r.pods.In(ctx, key.Namespace)
	for i := range all {
		if slices.Contains(usedClasses(&all[i]), key.Name) {
			mounting = append(mounting, all[i])
		}
	}
	return mounting, err
}

// namespace is nil if there is none. The caches of pods and namespaces fill
// independently: a namespace that is missing in its cache may just be young.
func (r *restorer) namespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	var ns corev1.Namespace
	err := r.cached.Get(ctx, client.ObjectKey{Name: name}, &ns)
	if apierrors.IsNotFound(err) {
		err = r.live.Get(ctx, client.ObjectKey{Name: name}, &ns)
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading namespace %s: %w", name, err)
	}
	return &ns, nil
}

func (r *restorer) hindered(ctx context.Context, key types.NamespacedName, o *obstacle) {
	if !r.reported.news(key, o.reason) {
		return
	}
	r.metrics.failures.WithLabelValues(o.reason).Inc()
	record(r.events, key, warning, eventNotRestored, o.reason, o.note)
	r.tellPods(ctx, key, o)
	log.FromContext(ctx).Info("Cannot restore a class that running pods mount", "reason", o.reason)
}

// maxTold pods of a class are told why it is not restored.
const maxTold = 5

// tellPods says it of pods too: of a class that is gone there is no description, and what people read is that of their pod.
func (r *restorer) tellPods(ctx context.Context, key types.NamespacedName, o *obstacle) {
	pods, err := r.mounting(ctx, key)
	if err != nil {
		return // the class has its event
	}
	told := make([]*corev1.Pod, 0, len(pods))
	for i := range pods {
		told = append(told, &pods[i])
	}
	slices.SortFunc(told, func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	for _, pod := range told[:min(len(told), maxTold)] {
		recordOn(r.events, pod, warning, eventNotRestored, o.reason, "SecretProviderClass "+key.Name+" is not restored. "+o.note)
	}
}

func restoredNote(change string) (action, note string) {
	if change == Created {
		return "Create", "Was deleted while running pods mount it, and is created again. It is deleted automatically when no pod references it"
	}
	return "Rewrite", "Was edited while running pods mount it, and is as before again: its name stands for its content. " +
		"To change what pods get, change the annotations in their template"
}
