package controller

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// onClass hears of classes that are deleted or edited.
func (r *restorer) onClass() handler.EventHandler {
	enqueue := func(class client.Object, q queue) {
		if provider.Generated(class.GetName()) {
			q.Add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(class)})
		}
	}
	broke := func(class client.Object, q queue) {
		if provider.Generated(class.GetName()) {
			r.broken.start(client.ObjectKeyFromObject(class), r.now())
		}
		enqueue(class, q)
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { enqueue(e.Object, q) },
		// Reconcile stops the watch again if the update broke nothing.
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { broke(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { broke(e.Object, q) },
	}
}

// onPod hears of pods whose class is missing already, of a status that may hold what
// others lack, and of pods that go: what was reported of their class can be forgotten.
func (r *restorer) onPod() handler.EventHandler {
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { enqueueClasses(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			if e.ObjectOld.GetAnnotations()[annotation.Status] != e.ObjectNew.GetAnnotations()[annotation.Status] {
				enqueueClasses(e.ObjectNew, q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { enqueueClasses(e.Object, q) },
	}
}

func enqueueClasses(obj client.Object, q queue) {
	if pod, ok := obj.(*corev1.Pod); ok {
		enqueueNames(pod.Namespace, namedClasses(pod), q)
	}
}

func enqueueNames(namespace string, classes []string, q queue) {
	for _, name := range classes {
		q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}})
	}
}

// onNamespace hears of namespaces that opt in or whose fence changes: both may clear
// an obstacle. A new namespace needs no look, for its pods come after it.
func (r *restorer) onNamespace() handler.EventHandler {
	return handler.Funcs{
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			before, ok := e.ObjectOld.(*corev1.Namespace)
			after, alsoOK := e.ObjectNew.(*corev1.Namespace)
			if !ok || !alsoOK || !permitsMore(before, after) {
				return
			}
			// Other events of namespaces wait for it.
			ctx, cancel := context.WithTimeout(ctx, namespaceTimeout)
			defer cancel()
			pods, err := r.pods.In(ctx, after.Name)
			if err != nil {
				log.FromContext(ctx).Error(err, "Cannot list the pods of a namespace that changed", "namespace", after.Name)
				return
			}
			for i := range pods {
				enqueueNames(after.Name, usedClasses(&pods[i]), q)
			}
		},
	}
}

// namespaceTimeout bounds the list of a namespace's pods when it opts in or its fence changes.
const namespaceTimeout = 5 * time.Second

// permitsMore reports whether a change of a namespace may let a class be restored.
func permitsMore(before, after *corev1.Namespace) bool {
	fenceBefore, fencedBefore := before.Annotations[annotation.AllowedVaults]
	fenceAfter, fencedAfter := after.Annotations[annotation.AllowedVaults]
	return after.DeletionTimestamp == nil && annotation.OptedIn(after) &&
		(!annotation.OptedIn(before) || fencedBefore != fencedAfter || fenceBefore != fenceAfter)
}
