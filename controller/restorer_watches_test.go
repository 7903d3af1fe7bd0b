package controller

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"akv-injector/inject/provider"
)

// change is what a watch tells: old is nil for a creation, new for a deletion.
type change struct {
	old, new client.Object
}

// enqueued are the names of the requests that a handler makes of a change, in order.
func enqueued(t *testing.T, h handler.EventHandler, c change) []string {
	t.Helper()
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	t.Cleanup(q.ShutDown)
	switch {
	case c.old == nil:
		h.Create(t.Context(), event.CreateEvent{Object: c.new}, q)
	case c.new == nil:
		h.Delete(t.Context(), event.DeleteEvent{Object: c.old}, q)
	default:
		h.Update(t.Context(), event.UpdateEvent{ObjectOld: c.old, ObjectNew: c.new}, q)
	}
	var names []string
	for q.Len() > 0 {
		item, _ := q.Get()
		names = append(names, item.Name)
	}
	slices.Sort(names)
	return names
}

func TestRestorerWatches(t *testing.T) {
	var (
		class   = classOf("payments", "db")
		other   = classOf("payments", "api")
		both    = []string{class.Name, other.Name}
		running = mounting("a", []provider.Class{class, other}, class.Name, other.Name, "hand-written", class.Name)
		foreign = stored(provider.Class{Name: "hand-written"})
	)
	slices.Sort(both)
	r, _ := testRestorer(t, cluster(t, interceptor.Funcs{},
		running, inPhase(corev1.PodSucceeded, mounting("done", nil, classOf("payments", "old").Name)), mounting("plain", nil)))

	tests := map[string]struct {
		handler handler.EventHandler
		change  change
		want    []string
	}{
		"class created":            {r.onClass(), change{nil, stored(class)}, []string{class.Name}},
		"class edited":             {r.onClass(), change{stored(class), stored(class, edited)}, []string{class.Name}},
		"class deleted":            {r.onClass(), change{stored(class), nil}, []string{class.Name}},
		"hand-written class":       {r.onClass(), change{foreign, nil}, nil},
		"pod created":              {r.onPod(), change{nil, running}, both},
		"pod updated":              {r.onPod(), change{running, running}, nil},
		"pod's status edited":      {r.onPod(), change{mounting("a", nil, class.Name), mounting("a", []provider.Class{class}, class.Name)}, []string{class.Name}},
		"pod deleted":              {r.onPod(), change{running, nil}, both},
		"finished pod deleted":     {r.onPod(), change{inPhase(corev1.PodFailed, mounting("a", nil, class.Name)), nil}, []string{class.Name}},
		"pod without classes":      {r.onPod(), change{nil, mounting("plain", nil)}, nil},
		"namespace created":        {r.onNamespace(), change{nil, namespaceWith()}, nil},
		"namespace touched":        {r.onNamespace(), change{namespaceWith(), namespaceWith()}, nil},
		"namespace opts in":        {r.onNamespace(), change{namespaceWith(optedOut), namespaceWith()}, both},
		"namespace opts out":       {r.onNamespace(), change{namespaceWith(), namespaceWith(optedOut)}, nil},
		"fence lifted":             {r.onNamespace(), change{namespaceWith(fenced("x*")), namespaceWith()}, both},
		"fence moved":              {r.onNamespace(), change{namespaceWith(fenced("x*")), namespaceWith(fenced("pay*"))}, both},
		"fence moved, opted out":   {r.onNamespace(), change{namespaceWith(fenced("x*")), namespaceWith(fenced("pay*"), optedOut)}, nil},
		"fence moved, terminating": {r.onNamespace(), change{namespaceWith(fenced("x*")), namespaceWith(terminating)}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, enqueued(t, tc.handler, tc.change)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStopwatchesDoNotPileUp(t *testing.T) {
	class := classOf("payments", "db")
	r, _ := testRestorer(t, cluster(t, interceptor.Funcs{}))
	enqueued(t, r.onClass(), change{stored(class), nil})
	enqueued(t, r.onClass(), change{stored(provider.Class{Name: "hand-written"}), nil})
	if _, err := r.Reconcile(t.Context(), requestFor(class)); err != nil {
		t.Fatal(err)
	}
	if len(r.broken.since) != 0 {
		t.Errorf("still running: %v", r.broken.since)
	}
}
