package controller

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"akv-injector/inject/annotation"
)

// Of many admissions that see a mark one writes, and those that see it afterwards, in a cache that is late, do not.
func TestManyTakeOneMarkOff(t *testing.T) {
	class := classOf("payments", "db")
	var patches atomic.Int32
	live := cluster(t, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
		patches.Add(1)
		return c.Patch(ctx, obj, patch, opts...)
	}}, stored(class, markAgo(time.Minute)))
	late := cluster(t, interceptor.Funcs{}, stored(class, markAgo(time.Minute)))
	w := ClassWriter{Cached: late, Live: live, Writer: live, unmarks: newUnmarks(func() time.Time { return testNow })}
	for range 2 {
		var wait sync.WaitGroup
		for range 64 {
			wait.Go(func() {
				if _, err := w.EnsureClass(t.Context(), testNamespace, class); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	}
	if n := patches.Load(); n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
	if spc := storedClass(t.Context(), t, live, class.Name); spc == nil || marked(spc) {
		t.Errorf("the class is %v", spc)
	}
}

func TestUnmarks(t *testing.T) {
	now := testNow
	u := newUnmarks(func() time.Time { return now })
	key := types.NamespacedName{Namespace: testNamespace, Name: "a"}
	calls := 0
	failure := errors.New("no")
	do := func(version string, fails error) error {
		_, err := u.do(t.Context(), key, version, func() (string, error) { calls++; return Unmarked, fails })
		return err
	}
	want := func(n int) {
		t.Helper()
		if calls != n {
			t.Errorf("%d calls, want %d", calls, n)
		}
	}
	if err := do("1", failure); !errors.Is(err, failure) {
		t.Errorf("%v", err)
	}
	want(1)
	_ = do("1", nil)
	_ = do("1", nil)
	want(2) // a failure is not remembered, a success is
	_ = do("2", nil)
	want(3) // another mark
	now = now.Add(cacheLag)
	_ = do("2", nil)
	want(4)

	// Who waits gives up with its own context.
	begun, end := make(chan struct{}), make(chan struct{})
	go func() {
		_, _ = u.do(context.Background(), key, "3", func() (string, error) { close(begun); <-end; return "", failure })
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := u.do(ctx, key, "3", func() (string, error) { return "", nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(end)
}

// A class is not marked while admissions need it, nor again as soon as one has taken the mark off.
func TestCollectorKeepsOffWhatIsNeeded(t *testing.T) {
	class := classOf("payments", "db")
	key := types.NamespacedName{Namespace: testNamespace, Name: class.Name}
	api := cluster(t, interceptor.Funcs{}, stored(class), namespaceWith())
	now := testNow
	clock := func() time.Time { return now }
	r, _ := testCollector(t, api, api)
	r.now, r.needed, r.marks = clock, newRecent(neededFor(testGrace), clock), newRecent(pauseOf(testGrace), clock)
	look := func(marked bool, after time.Duration) {
		t.Helper()
		result, err := r.Reconcile(t.Context(), testNamespaceRequest)
		if err != nil {
			t.Fatal(err)
		}
		_, got := storedClass(t.Context(), t, api, class.Name).Annotations[annotation.UnusedSince]
		if got != marked || result.RequeueAfter != after {
			t.Errorf("marked: %t, looks again after %v; want %t, %v", got, result.RequeueAfter, marked, after)
		}
	}
	r.needed.note(key, "")
	look(false, neededFor(testGrace))
	now = now.Add(neededFor(testGrace))
	look(true, testGrace)
	w := ClassWriter{Cached: api, Live: api, Writer: api}
	if _, err := w.EnsureClass(t.Context(), testNamespace, class); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	look(false, pauseOf(testGrace)-time.Second)
	now = now.Add(pauseOf(testGrace))
	look(true, testGrace)
}

func TestRecentIsBounded(t *testing.T) {
	now := testNow
	r := newRecent(time.Minute, func() time.Time { return now })
	key := func(i int) types.NamespacedName { return types.NamespacedName{Name: string(rune('a' + i))} }
	for i := range maxRecent + 10 {
		r.note(key(i), "")
	}
	if len(r.at) != maxRecent {
		t.Errorf("%d are remembered, want %d", len(r.at), maxRecent)
	}
	now = now.Add(time.Minute)
	r.note(key(maxRecent+20), "v")
	if left, version := r.left(key(maxRecent + 20)); len(r.at) != 1 || left != time.Minute || version != "v" {
		t.Errorf("%d are remembered, %v left of %q", len(r.at), left, version)
	}
	var none *recent
	none.note(key(0), "")
	if left, _ := none.left(key(0)); left != 0 {
		t.Error("nothing remembers something")
	}
}
