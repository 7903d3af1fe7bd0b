package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// Many who ask at once cost two lists: the one that is under way, which may be too old for them, and the next.
func TestLivePodsAreListedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		class := classOf("payments", "db")
		goOn := make(chan struct{})
		var lists atomic.Int32
		api := cluster(t, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			lists.Add(1)
			<-goOn
			return c.List(ctx, list, opts...)
		}}, mounting("a", nil, class.Name), mounting("b", nil), inPhase(corev1.PodFailed, mounting("c", nil, class.Name)))
		pods := NewLivePods(api)
		var wait sync.WaitGroup
		ask := func() {
			wait.Go(func() {
				found, err := pods.In(t.Context(), testNamespace)
				if err != nil || len(found) != 1 || found[0].Name != "a" {
					t.Errorf("%v %v, want a", found, err)
				}
			})
		}
		ask()
		synctest.Wait() // until the list is under way
		for range 50 {
			ask()
		}
		synctest.Wait() // until all of them wait
		// Who does not want to wait does not.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := pods.In(ctx, testNamespace); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if n := lists.Load(); n != 1 {
			t.Errorf("%d lists under way, want 1", n)
		}
		close(goOn)
		wait.Wait()
		if n := lists.Load(); n != 2 {
			t.Errorf("%d lists, want 2", n)
		}
		if _, err := pods.In(t.Context(), testNamespace); err != nil {
			t.Error(err)
		}
	})
}

// The cache knows no pod without the label of injected ones. Each promise holds all the same.
func TestPodsWithoutTheLabel(t *testing.T) {
	class := classOf("payments", "db")
	honest := []provider.Class{class}
	stripped := mounting("stripped", honest, class.Name)
	cases := map[string]struct {
		harm func(t *testing.T, live client.Client)
		want bool // that there is the class, as it should be, afterwards
	}{
		"deleted": {func(t *testing.T, live client.Client) {
			t.Helper()
			if err := live.Delete(t.Context(), class.Object(testNamespace)); err != nil {
				t.Fatal(err)
			}
		}, true},
		"edited": {func(t *testing.T, live client.Client) {
			t.Helper()
			spc := storedClass(t.Context(), t, live, class.Name)
			edited(spc)
			if err := live.Update(t.Context(), spc); err != nil {
				t.Fatal(err)
			}
		}, true},
	}
	for name, c := range cases {
		t.Run("restored when "+name, func(t *testing.T) {
			live := cluster(t, interceptor.Funcs{}, stored(class), namespaceWith(), stripped.DeepCopy())
			c.harm(t, live)
			r, _ := testRestorer(t, live)
			r.cached = withoutPods{live}
			if _, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Namespace: testNamespace, Name: class.Name}}); err != nil {
				t.Fatal(err)
			}
			if spc := storedClass(t.Context(), t, live, class.Name); (spc != nil && settled(spc, class)) != c.want {
				t.Errorf("the class is %v", spc)
			}
		})
	}
	t.Run("not collected, and not marked again and again", func(t *testing.T) {
		now := testNow
		clock := func() time.Time { return now }
		writes := 0
		live := cluster(t, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			writes++
			return c.Patch(ctx, obj, patch, opts...)
		}}, stored(class), namespaceWith(), stripped.DeepCopy())
		r, _ := testCollector(t, withoutPods{live}, live)
		r.now, r.strays, r.marks = clock, newRecent(strayFor(testGrace), clock), newRecent(pauseOf(testGrace), clock)
		for range 4 {
			if _, err := r.Reconcile(t.Context(), testNamespaceRequest); err != nil {
				t.Fatal(err)
			}
			now = now.Add(testGrace / 2)
		}
		spc := storedClass(t.Context(), t, live, class.Name)
		if spc == nil || marked(spc) || writes != 2 {
			t.Errorf("the class is %v after %d writes, want it unmarked after 2", spc, writes)
		}
		// It is collected when the pod is gone.
		if err := live.Delete(t.Context(), stripped.DeepCopy()); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if _, err := r.Reconcile(t.Context(), testNamespaceRequest); err != nil {
				t.Fatal(err)
			}
			now = now.Add(testGrace)
		}
		if spc := storedClass(t.Context(), t, live, class.Name); spc != nil {
			t.Errorf("the class is still there: %v", spc)
		}
	})
}

// withoutPods is a cache that has everything but pods.
type withoutPods struct{ client.Client }

func (c withoutPods) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if _, ok := list.(*corev1.PodList); ok {
		return nil
	}
	return c.Client.List(ctx, list, opts...)
}

func TestRecorded(t *testing.T) {
	class := classOf("payments", "db")
	key := types.NamespacedName{Namespace: testNamespace, Name: class.Name}
	r := NewRecorded()
	r.Hear(key)
	r.Hear(types.NamespacedName{Namespace: testNamespace, Name: "by-hand"})
	q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	defer q.ShutDown()
	if err := r.Start(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	r.Hear(key)
	r.Hear(types.NamespacedName{Namespace: "other", Name: class.Name})
	var got []string
	for range q.Len() {
		request, _ := q.Get()
		got = append(got, request.String())
	}
	slices.Sort(got)
	if want := []string{"other/" + class.Name, testNamespace + "/" + class.Name}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// What the cache selects is what the label says, or all.
func TestCacheSelects(t *testing.T) {
	for all, want := range map[bool]string{false: annotation.LabelInjected + "=true", true: ""} {
		for object, options := range CacheOptions(all).ByObject {
			if _, ok := object.(*corev1.Pod); ok && options.Label.String() != want {
				t.Errorf("all is %t: pods with %q, want %q", all, options.Label, want)
			}
		}
	}
}
