package controller

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

// onClass hears of classes that come or change. When one goes, nothing is left to do.
func (c *collector) onClass() handler.EventHandler {
	enqueue := func(class client.Object, q queue) {
		if provider.Generated(class.GetName()) {
			enqueueNamespace(class, q)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { enqueue(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { enqueue(e.ObjectNew, q) },
	}
}

// onPod hears of pods that begin or cease to use a class. Volumes never change, so of
// a pod's life only its beginning and its end count.
func (c *collector) onPod() handler.EventHandler {
	enqueue := func(obj client.Object, q queue) {
		if pod, ok := obj.(*corev1.Pod); ok && len(namedClasses(pod)) > 0 {
			enqueueNamespace(pod, q)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { enqueue(e.Object, q) },
		// With the selection of CacheOptions the end arrives as a deletion; with other caches not.
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			before, ok := e.ObjectOld.(*corev1.Pod)
			after, alsoOK := e.ObjectNew.(*corev1.Pod)
			if ok && alsoOK && workload.Finished(before) != workload.Finished(after) {
				enqueue(after, q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { enqueue(e.Object, q) },
	}
}

func enqueueNamespace(obj client.Object, q queue) {
	q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Name: obj.GetNamespace()}})
}
