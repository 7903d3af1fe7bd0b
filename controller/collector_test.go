package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

const testGrace = 10 * time.Minute

func testCollector(t *testing.T, cached client.Reader, live client.Client) (*collector, *recorded) {
	t.Helper()
	events := &recorded{}
	return &collector{
		cached:  cached,
		pods:    NewLivePods(live),
		writer:  live,
		events:  events,
		metrics: testMetrics(),
		grace:   testGrace,
		now:     func() time.Time { return testNow },
	}, events
}

var testNamespaceRequest = reconcile.Request{NamespacedName: types.NamespacedName{Name: testNamespace}}

// gone stands for the mark of a class that was deleted.
const gone = "(gone)"

type collectCase struct {
	class *secretsstorev1.SecretProviderClass
	ns    *corev1.Namespace // opted in where it is not set
	pods  []*corev1.Pod
	// want is the mark afterwards, empty for none, or gone.
	want  string
	after time.Duration
}

func TestCollect(t *testing.T) {
	var (
		class = classOf("payments", "db")
		now   = markAt(testNow)
		used  = mounting("a", nil, class.Name)
	)
	tests := map[string]collectCase{
		"used":                  {class: stored(class), pods: []*corev1.Pod{used}},
		"used again":            {class: stored(class, markAgo(time.Minute)), pods: []*corev1.Pod{used}},
		"used when due":         {class: stored(class, markAgo(time.Hour)), pods: []*corev1.Pod{used}},
		"used, by a bare pod":   {class: stored(class), pods: []*corev1.Pod{mounting("bare", nil, class.Name)}},
		"unused":                {class: stored(class), want: now, after: testGrace},
		"unused by finished":    {class: stored(class), pods: []*corev1.Pod{inPhase(corev1.PodSucceeded, mounting("a", nil, class.Name))}, want: now, after: testGrace},
		"within the grace":      {class: stored(class, markAgo(4*time.Minute)), want: markAt(testNow.Add(-4 * time.Minute)), after: 6 * time.Minute},
		"a second before due":   {class: stored(class, markAgo(testGrace-time.Second)), want: markAt(testNow.Add(time.Second - testGrace)), after: time.Second},
		"due":                   {class: stored(class, markAgo(testGrace)), want: gone},
		"edited and due":        {class: stored(class, edited, markAgo(testGrace)), want: gone},
		"garbage for a mark":    {class: stored(class, mark("long ago")), want: now, after: testGrace},
		"a mark in the future":  {class: stored(class, markAgo(-1000*time.Hour)), want: now, after: testGrace},
		"namespace terminating": {class: stored(class, markAgo(time.Hour)), ns: namespaceWith(terminating), want: markAt(testNow.Add(-time.Hour))},
		"namespace opted out":   {class: stored(class, markAgo(time.Hour)), ns: namespaceWith(optedOut), want: gone},

		"never another's: no label":            {class: stored(class, unlabelled)},
		"never another's: no label, but mark":  {class: stored(class, unlabelled, markAgo(time.Hour)), want: markAt(testNow.Add(-time.Hour))},
		"never another's: name not of our own": {class: stored(provider.Class{Name: "akv-payments"})},
		"being deleted already":                {class: stored(class, finalized)},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			ns := tc.ns
			if ns == nil {
				ns = namespaceWith()
			}
			objs := append(objects(tc.class), ns)
			for _, p := range tc.pods {
				objs = append(objs, p.DeepCopy())
			}
			c := cluster(t, interceptor.Funcs{}, objs...)
			r, events := testCollector(t, c, c)
			result, err := r.Reconcile(t.Context(), testNamespaceRequest)
			if err != nil {
				t.Fatal(err)
			}
			if result.RequeueAfter != tc.after {
				t.Errorf("looks again after %v, want %v", result.RequeueAfter, tc.after)
			}
			got := gone
			if spc := storedClass(t.Context(), t, c, tc.class.Name); spc != nil {
				got = spc.Annotations[annotation.UnusedSince]
			}
			if got != tc.want {
				t.Errorf("mark = %q, want %q", got, tc.want)
			}
			var wantEvents []string
			if tc.want == gone {
				wantEvents = []string{"Normal ClassCollected Collect"}
			}
			if diff := cmp.Diff(wantEvents, events.events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if got := counted(t, r.metrics.collected); got != float64(len(wantEvents)) {
				t.Errorf("collected = %v, want %v", got, len(wantEvents))
			}
		})
	}
}

// The cache says that nobody uses a class; what counts is what the API server says.
func TestCollectorAsksTheAPIServer(t *testing.T) {
	class := classOf("payments", "db")
	marked := stored(class, markAgo(time.Hour))
	tests := map[string]struct {
		live     []client.Object
		pods     []*corev1.Pod
		wantGone bool
	}{
		"nobody there either": {live: []client.Object{marked}, wantGone: true},
		"a pod that the cache has not heard of": {
			live: []client.Object{marked}, pods: []*corev1.Pod{mounting("a", nil, class.Name)},
		},
		"a finished pod": {
			live: []client.Object{marked}, pods: []*corev1.Pod{inPhase(corev1.PodFailed, mounting("a", nil, class.Name))}, wantGone: true,
		},
		"a pod of another driver": {
			live: []client.Object{marked}, wantGone: true,
			pods: []*corev1.Pod{func() *corev1.Pod {
				p := mounting("a", nil, class.Name)
				p.Spec.Volumes[0].CSI.Driver = "other.example.com"
				return p
			}()},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			live := cluster(t, interceptor.Funcs{}, append(tc.live, podObjects(tc.pods)...)...)
			cached := cluster(t, interceptor.Funcs{}, namespaceWith(), storedClass(t.Context(), t, live, class.Name))
			r, _ := testCollector(t, cached, live)
			if _, err := r.Reconcile(t.Context(), testNamespaceRequest); err != nil {
				t.Fatal(err)
			}
			spc := storedClass(t.Context(), t, live, class.Name)
			if (spc == nil) != tc.wantGone {
				t.Fatalf("class = %v, want gone: %t", spc, tc.wantGone)
			}
			if spc != nil && spc.Annotations[annotation.UnusedSince] != "" {
				t.Error("still marked")
			}
		})
	}
}

func podObjects(pods []*corev1.Pod) []client.Object {
	var objs []client.Object
	for _, p := range pods {
		objs = append(objs, p.DeepCopy())
	}
	return objs
}

// A pod is being admitted while the collector is about to delete its class. Whoever
// writes first wins, and the class is there afterwards or the admission writes it.
func TestCollectorRacesAdmission(t *testing.T) {
	class := classOf("payments", "db")
	tests := map[string]struct {
		// first writes before the deletion reaches the API server.
		first func(t *testing.T, api client.Client)
		want  string
	}{
		"admission takes the mark off": {
			first: func(t *testing.T, api client.Client) {
				t.Helper()
				if _, err := (ClassWriter{Cached: api, Live: api, Writer: api}).EnsureClass(t.Context(), testNamespace, class); err != nil {
					t.Error(err)
				}
			},
		},
		"somebody replaces it by another object of the name": {
			first: func(t *testing.T, api client.Client) {
				t.Helper()
				if err := api.Delete(t.Context(), stored(class)); err != nil {
					t.Error(err)
				}
				another := stored(class)
				another.UID = "another"
				if err := api.Create(t.Context(), another); err != nil {
					t.Error(err)
				}
			},
		},
		"somebody takes our label off": {
			first: func(t *testing.T, api client.Client) {
				t.Helper()
				spc := storedClass(t.Context(), t, api, class.Name)
				spc.Labels = nil
				if err := api.Update(t.Context(), spc); err != nil {
					t.Error(err)
				}
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			live := cluster(t, interceptor.Funcs{Delete: afterThat(t, tc.first)}, namespaceWith(), stored(class, markAgo(time.Hour)))
			r, events := testCollector(t, live, live)
			if _, err := r.Reconcile(t.Context(), testNamespaceRequest); err != nil {
				t.Fatal(err)
			}
			if storedClass(t.Context(), t, live, class.Name) == nil {
				t.Error("the class is gone")
			}
			if len(events.events) != 0 {
				t.Errorf("events: %v", events.events)
			}
		})
	}
}

// afterThat deletes with the preconditions that an API server holds and the fake one does
// not, once first has written.
func afterThat(t *testing.T, first func(*testing.T, client.Client)) func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error {
	t.Helper()
	return func(ctx context.Context, api client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
		var o client.DeleteOptions
		o.ApplyOptions(opts)
		if o.Preconditions == nil {
			return api.Delete(ctx, obj, opts...)
		}
		first(t, api)
		now := storedClass(ctx, t, api, obj.GetName())
		if now == nil || o.Preconditions.UID == nil || o.Preconditions.ResourceVersion == nil {
			t.Fatal("deleted without preconditions, or nothing to delete")
		}
		if now.UID != *o.Preconditions.UID || now.ResourceVersion != *o.Preconditions.ResourceVersion {
			return conflict(obj.GetName())
		}
		return api.Delete(ctx, obj, opts...)
	}
}

// The mark goes onto the class that was looked at, and no other state of it.
func TestMarkingRaces(t *testing.T) {
	class := classOf("payments", "db")
	live := cluster(t, interceptor.Funcs{
		Patch: func(ctx context.Context, api client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			spc := storedClass(ctx, t, api, class.Name)
			spc.Labels = nil
			if err := api.Update(ctx, spc); err != nil {
				return err
			}
			return api.Patch(ctx, obj, patch, opts...)
		},
	}, namespaceWith(), stored(class))
	r, _ := testCollector(t, live, live)
	if _, err := r.Reconcile(t.Context(), testNamespaceRequest); err != nil {
		t.Fatal(err)
	}
	if spc := storedClass(t.Context(), t, live, class.Name); marked(spc) {
		t.Error("another's class got our mark")
	}
}

func TestCollectorListsPodsOnceAndInPages(t *testing.T) {
	objs := []client.Object{namespaceWith()}
	var classes []provider.Class
	for i := range 5 {
		class := classOf("payments", fmt.Sprintf("db-%d", i))
		classes = append(classes, class)
		objs = append(objs, stored(class, markAgo(time.Hour)))
	}
	pages := 0
	live := cluster(t, interceptor.Funcs{
		List: func(ctx context.Context, api client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			var o client.ListOptions
			o.ApplyOptions(opts)
			pods, ok := list.(*corev1.PodList)
			if !ok || o.FieldSelector != nil {
				return api.List(ctx, list, opts...)
			}
			if o.Limit != podsPerPage {
				t.Errorf("limit = %d", o.Limit)
			}
			// The only pod is on the second page.
			pages++
			switch o.Continue {
			case "":
				pods.Continue = "second"
			case "second":
				pods.Items = []corev1.Pod{*mounting("a", nil, classes[0].Name)}
			default:
				t.Errorf("page %q", o.Continue)
			}
			return nil
		},
	}, objs...)
	r, _ := testCollector(t, live, live)
	if _, err := r.Reconcile(t.Context(), testNamespaceRequest); err != nil {
		t.Fatal(err)
	}
	if pages != 2 {
		t.Errorf("%d pages were read, want 2", pages)
	}
	for i, class := range classes {
		if gone := storedClass(t.Context(), t, live, class.Name) == nil; gone != (i > 0) {
			t.Errorf("class %d gone: %t", i, gone)
		}
	}
}

// A call that fails does not keep the other classes waiting, and is tried again.
func TestCollectorGoesOnAfterErrors(t *testing.T) {
	first, second := classOf("payments", "a"), classOf("payments", "b")
	live := cluster(t, interceptor.Funcs{
		Patch: func(ctx context.Context, api client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if obj.GetName() == first.Name {
				return errors.New("connection refused")
			}
			return api.Patch(ctx, obj, patch, opts...)
		},
	}, namespaceWith(), stored(first), stored(second))
	r, _ := testCollector(t, live, live)
	if _, err := r.Reconcile(t.Context(), testNamespaceRequest); err == nil {
		t.Error("the error is lost")
	}
	if !marked(storedClass(t.Context(), t, live, second.Name)) {
		t.Error("the second class waits for the first")
	}
}

// A class whose pods cannot be listed is not deleted.
func TestCollectorNeedsTheLiveList(t *testing.T) {
	class := classOf("payments", "db")
	live := cluster(t, interceptor.Funcs{
		List: func(ctx context.Context, api client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			var o client.ListOptions
			o.ApplyOptions(opts)
			if _, ok := list.(*corev1.PodList); ok && o.FieldSelector == nil {
				return errors.New("timeout")
			}
			return api.List(ctx, list, opts...)
		},
	}, namespaceWith(), stored(class, markAgo(time.Hour)))
	r, _ := testCollector(t, live, live)
	if _, err := r.Reconcile(t.Context(), testNamespaceRequest); err == nil {
		t.Error("no error")
	}
	if storedClass(t.Context(), t, live, class.Name) == nil {
		t.Error("deleted on the cache's word")
	}
}

func TestCollectorWatches(t *testing.T) {
	class := classOf("payments", "db")
	r, _ := testCollector(t, cluster(t, interceptor.Funcs{}), cluster(t, interceptor.Funcs{}))
	running := mounting("a", nil, class.Name)
	done := inPhase(corev1.PodSucceeded, mounting("a", nil, class.Name))
	foreign := stored(provider.Class{Name: "hand-written"})
	tests := map[string]struct {
		handler handler.EventHandler
		change  change
		want    []string
	}{
		"class created":        {r.onClass(), change{nil, stored(class)}, []string{testNamespace}},
		"class changed":        {r.onClass(), change{stored(class), stored(class, markAgo(0))}, []string{testNamespace}},
		"class deleted":        {r.onClass(), change{stored(class), nil}, nil},
		"hand-written class":   {r.onClass(), change{nil, foreign}, nil},
		"pod created":          {r.onPod(), change{nil, running}, []string{testNamespace}},
		"pod touched":          {r.onPod(), change{running, running}, nil},
		"pod finished":         {r.onPod(), change{running, done}, []string{testNamespace}},
		"pod deleted":          {r.onPod(), change{running, nil}, []string{testNamespace}},
		"finished pod deleted": {r.onPod(), change{done, nil}, []string{testNamespace}},
		"pod without classes":  {r.onPod(), change{mounting("plain", nil), nil}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, enqueued(t, tc.handler, tc.change)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
