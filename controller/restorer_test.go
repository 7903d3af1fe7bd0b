package controller

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/provider"
)

func testRestorer(t *testing.T, c client.Client) (*restorer, *recorded) {
	t.Helper()
	events := &recorded{}
	return &restorer{
		cached:  c,
		live:    c,
		pods:    NewLivePods(c),
		classes: ClassWriter{Cached: c, Live: c, Writer: c},
		events:  events,
		metrics: testMetrics(),
		now:     func() time.Time { return testNow },
	}, events
}

func TestRestore(t *testing.T) {
	var (
		class  = classOf("payments", "db")
		honest = []provider.Class{class}
		pod    = mounting("a", honest, class.Name)
		node   = func() provider.Class {
			parameters := maps.Clone(class.Parameters)
			parameters["useVMManagedIdentity"] = "true"
			return hashed(parameters)
		}()
		broken = stored(class, edited)
	)
	const (
		created   = "Normal ClassRestored Create"
		rewritten = "Normal ClassRestored Rewrite"
	)
	tests := map[string]struct {
		class   *secretsstorev1.SecretProviderClass
		ns      *corev1.Namespace
		pods    []*corev1.Pod
		request provider.Class // class where it is not set
		want    *secretsstorev1.SecretProviderClass
		events  []string
	}{
		"deleted under a running pod": {
			ns: namespaceWith(), pods: []*corev1.Pod{pod},
			want: stored(class), events: []string{created},
		},
		"deleted under a pending pod": {
			ns: namespaceWith(), pods: []*corev1.Pod{inPhase(corev1.PodPending, mounting("a", honest, class.Name))},
			want: stored(class), events: []string{created},
		},
		"edited under a running pod": {
			class: broken, ns: namespaceWith(), pods: []*corev1.Pod{pod},
			want: stored(class), events: []string{rewritten},
		},
		"edited to copy into a Secret": {
			class: stored(class, func(spc *secretsstorev1.SecretProviderClass) {
				spc.Spec.SecretObjects = []*secretsstorev1.SecretObject{{SecretName: "copy", Type: "Opaque"}}
			}),
			ns: namespaceWith(), pods: []*corev1.Pod{pod},
			want: stored(class), events: []string{rewritten},
		},
		"edited to another provider": {
			class: stored(class, func(spc *secretsstorev1.SecretProviderClass) { spc.Spec.Provider = "gcp" }),
			ns:    namespaceWith(), pods: []*corev1.Pod{pod},
			want: stored(class), events: []string{rewritten},
		},
		"intact": {
			class: stored(class), ns: namespaceWith(), pods: []*corev1.Pod{pod},
			want: stored(class),
		},
		"intact, without our label": {
			class: stored(class, unlabelled), ns: namespaceWith(), pods: []*corev1.Pod{pod},
			want: stored(class, unlabelled),
		},
		"missing, and nobody minds": {
			ns: namespaceWith(),
		},
		"edited, and nobody minds": {
			class: broken, ns: namespaceWith(),
			want: broken,
		},
		"only finished pods name it": {
			ns: namespaceWith(),
			pods: []*corev1.Pod{
				inPhase(corev1.PodSucceeded, mounting("a", honest, class.Name)),
				inPhase(corev1.PodFailed, mounting("b", honest, class.Name)),
			},
		},
		"a pod that does not mount it has it in its status": {
			ns: namespaceWith(), pods: []*corev1.Pod{mounting("a", honest, classOf("payments", "api").Name)},
		},
		"the third pod's status verifies": {
			ns: namespaceWith(),
			pods: []*corev1.Pod{
				mounting("a", nil, class.Name),
				mounting("b", []provider.Class{with(class, "keyvaultName", "somebody-elses")}, class.Name),
				mounting("c", honest, class.Name),
			},
			want: stored(class), events: []string{created},
		},

		// Attacks. The annotations and labels of a pod can be edited after creation.
		"status forged with another vault": {
			ns: namespaceWith(), pods: []*corev1.Pod{mounting("a", []provider.Class{with(class, "keyvaultName", "somebody-elses")}, class.Name)},
			events: []string{"Warning ClassNotRestored NoRecord"},
		},
		"status forged with another class": {
			ns: namespaceWith(), pods: []*corev1.Pod{mounting("a", []provider.Class{classOf("somebody-elses", "db")}, class.Name)},
			events: []string{"Warning ClassNotRestored NoRecord"},
		},
		"status removed": {
			ns: namespaceWith(), pods: []*corev1.Pod{mounting("a", nil, class.Name)},
			events: []string{"Warning ClassNotRestored NoRecord"},
		},
		"hashed by hand for the node's identity": {
			request: node, ns: namespaceWith(), pods: []*corev1.Pod{mounting("a", []provider.Class{node}, node.Name)},
			events: []string{"Warning ClassNotRestored NoRecord"},
		},
		"the pod's labels and other annotations stripped": {
			ns: namespaceWith(),
			pods: []*corev1.Pod{func() *corev1.Pod {
				p := mounting("a", honest, class.Name)
				p.Labels = nil
				return p
			}()},
			want: stored(class), events: []string{created},
		},
		"the class's label stripped, its content edited": {
			class: stored(class, unlabelled, edited), ns: namespaceWith(), pods: []*corev1.Pod{pod},
			want: stored(class, unlabelled, edited), events: []string{"Warning ClassNotRestored NotOurs"},
		},
		"a volume names a class that is not of our form": {
			request: provider.Class{Name: "akv-payments"}, ns: namespaceWith(),
			pods: []*corev1.Pod{mounting("a", []provider.Class{{Name: "akv-payments", Parameters: class.Parameters}}, "akv-payments")},
		},

		// The namespace has the last word.
		"not opted in": {
			ns: namespaceWith(optedOut), pods: []*corev1.Pod{pod},
			events: []string{"Warning ClassNotRestored NamespaceNotOptedIn"},
		},
		"edited, not opted in": {
			class: broken, ns: namespaceWith(optedOut), pods: []*corev1.Pod{pod},
			want: broken, events: []string{"Warning ClassNotRestored NamespaceNotOptedIn"},
		},
		"fenced out": {
			ns: namespaceWith(fenced("shared-*")), pods: []*corev1.Pod{pod},
			events: []string{"Warning ClassNotRestored VaultNotAllowed"},
		},
		"a fence that is no glob holds": {
			ns: namespaceWith(fenced("[")), pods: []*corev1.Pod{pod},
			events: []string{"Warning ClassNotRestored VaultNotAllowed"},
		},
		"within the fence": {
			ns: namespaceWith(fenced("pay*")), pods: []*corev1.Pod{pod},
			want: stored(class), events: []string{created},
		},
		"terminating": {
			ns: namespaceWith(terminating), pods: []*corev1.Pod{pod},
		},
		"no namespace": {
			pods: []*corev1.Pod{pod},
		},
		"being deleted, held by a finalizer": {
			class: stored(class, edited, finalized), ns: namespaceWith(), pods: []*corev1.Pod{pod},
			want: stored(class, edited, finalized),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			objs := objects(tc.class)
			if tc.ns != nil {
				objs = append(objs, tc.ns.DeepCopy())
			}
			for _, p := range tc.pods {
				objs = append(objs, p.DeepCopy())
			}
			c := cluster(t, interceptor.Funcs{}, objs...)
			r, events := testRestorer(t, c)
			request := tc.request
			if request.Name == "" {
				request = class
			}

			// A second look changes and tells nothing more.
			for range 2 {
				if _, err := r.Reconcile(t.Context(), requestFor(request)); err != nil {
					t.Fatal(err)
				}
			}
			got := storedClass(t.Context(), t, c, request.Name)
			if (got == nil) != (tc.want == nil) {
				t.Fatalf("class = %v, want %v", got, tc.want)
			}
			if got != nil {
				if diff := cmp.Diff(tc.want.Spec, got.Spec); diff != "" {
					t.Errorf("spec (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.want.Labels, got.Labels); diff != "" {
					t.Errorf("labels (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(tc.events, events.events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// An obstacle is told once while it lasts, and again when another takes its place or
// it comes back.
func TestObstaclesAreToldOnce(t *testing.T) {
	class := classOf("payments", "db")
	ns := namespaceWith(optedOut)
	c := cluster(t, interceptor.Funcs{}, ns, mounting("a", []provider.Class{class}, class.Name))
	r, events := testRestorer(t, c)
	look := func(edits ...func(*corev1.Namespace)) {
		t.Helper()
		now := namespaceWith(edits...)
		var stored corev1.Namespace
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(now), &stored); err != nil {
			t.Fatal(err)
		}
		stored.Labels, stored.Annotations = now.Labels, now.Annotations
		if err := c.Update(t.Context(), &stored); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := r.Reconcile(t.Context(), requestFor(class)); err != nil {
				t.Fatal(err)
			}
		}
	}
	look(optedOut)
	look(fenced("shared-*"))
	look(optedOut)
	look()
	if err := c.Delete(t.Context(), stored(class)); err != nil {
		t.Fatal(err)
	}
	look(optedOut)

	want := []string{
		"Warning ClassNotRestored NamespaceNotOptedIn",
		"Warning ClassNotRestored VaultNotAllowed",
		"Warning ClassNotRestored NamespaceNotOptedIn",
		"Normal ClassRestored Create",
		"Warning ClassNotRestored NamespaceNotOptedIn",
	}
	if diff := cmp.Diff(want, events.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := counted(t, r.metrics.failures.WithLabelValues(reasonNotOptedIn)); got != 3 {
		t.Errorf("failures = %v, want 3", got)
	}
	if got := counted(t, r.metrics.restored); got != 1 {
		t.Errorf("restored = %v, want 1", got)
	}
}

// Pods are told why, the first few of them: their description is where people look.
func TestPodsAreTold(t *testing.T) {
	class := classOf("payments", "db")
	objects := []client.Object{namespaceWith(optedOut)}
	for _, name := range []string{"g", "c", "a", "f", "b", "e", "d"} {
		objects = append(objects, mounting(name, []provider.Class{class}, class.Name))
	}
	r, events := testRestorer(t, cluster(t, interceptor.Funcs{}, objects...))
	for range 3 {
		if _, err := r.Reconcile(t.Context(), requestFor(class)); err != nil {
			t.Fatal(err)
		}
	}
	if len(events.pods) != maxTold {
		t.Fatalf("%d events: %q", len(events.pods), events.pods)
	}
	for i, name := range []string{"a", "b", "c", "d", "e"} {
		want := name + ": Warning ClassNotRestored NamespaceNotOptedIn: SecretProviderClass " + class.Name + " is not restored. Pods mount this class, but namespace "
		if !strings.HasPrefix(events.pods[i], want) {
			t.Errorf("%q, want %q", events.pods[i], want)
		}
	}
}

func TestRestoreErrors(t *testing.T) {
	class := classOf("payments", "db")
	classes := secretsstorev1.Resource("secretproviderclasses")
	tests := map[string]struct {
		err     error
		retried bool
		events  []string
		failed  string
	}{
		"refused by a quota": {
			err:     apierrors.NewForbidden(classes, class.Name, errors.New("exceeded quota")),
			retried: true,
			events:  []string{"Warning ClassNotRestored Refused"},
			failed:  reasonRefused,
		},
		"the API server is busy": {
			err:     apierrors.NewTooManyRequests("slow down", 1),
			retried: true,
			failed:  reasonFailed,
		},
		"the namespace began to terminate": {
			err: &apierrors.StatusError{ErrStatus: metav1.Status{
				Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden,
				Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}},
			}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, interceptor.Funcs{
				Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return tc.err },
			}, namespaceWith(), mounting("a", []provider.Class{class}, class.Name))
			r, events := testRestorer(t, c)
			_, err := r.Reconcile(t.Context(), requestFor(class))
			if (err != nil) != tc.retried {
				t.Errorf("error = %v, want one: %t", err, tc.retried)
			}
			if diff := cmp.Diff(tc.events, events.events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			for _, reason := range []string{reasonRefused, reasonFailed} {
				want := 0.0
				if reason == tc.failed {
					want = 1
				}
				if got := counted(t, r.metrics.failures.WithLabelValues(reason)); got != want {
					t.Errorf("failures{%s} = %v, want %v", reason, got, want)
				}
			}
		})
	}
}

// The time from the event to the restore counts, retries and all.
func TestRestoreDuration(t *testing.T) {
	class := classOf("payments", "db")
	refuse := true
	c := cluster(t, interceptor.Funcs{
		Create: func(ctx context.Context, api client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if refuse {
				return apierrors.NewServiceUnavailable("starting")
			}
			return api.Create(ctx, obj, opts...)
		},
	}, namespaceWith(), mounting("a", []provider.Class{class}, class.Name))
	r, _ := testRestorer(t, c)
	now := testNow
	r.now = func() time.Time { return now }
	registry := prometheus.NewRegistry()
	r.metrics = newMetrics(registry)

	r.broken.start(keyOf(class), now)
	now = now.Add(2 * time.Second)
	if _, err := r.Reconcile(t.Context(), requestFor(class)); err == nil {
		t.Fatal("no error")
	}
	r.broken.start(keyOf(class), now)
	now = now.Add(time.Second)
	refuse = false
	if _, err := r.Reconcile(t.Context(), requestFor(class)); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "akv_injector_class_restore_duration_seconds" {
			if sum := f.GetMetric()[0].GetHistogram().GetSampleSum(); sum != 3 {
				t.Errorf("duration = %v s, want 3", sum)
			}
			return
		}
	}
	t.Error("no histogram")
}

// The metrics' and the events' texts are for people: no content of a class in them.
func TestEventsHoldNoContent(t *testing.T) {
	class := classOf("payments", "very-special-object")
	c := cluster(t, interceptor.Funcs{}, namespaceWith(), stored(class, edited), mounting("a", []provider.Class{class}, class.Name))
	r, events := testRestorer(t, c)
	if _, err := r.Reconcile(t.Context(), requestFor(class)); err != nil {
		t.Fatal(err)
	}
	for _, note := range events.notes {
		if strings.Contains(note, "very-special-object") || strings.Contains(note, class.Parameters["clientID"]) {
			t.Errorf("note: %s", note)
		}
	}
}

func TestRestorerLooksAtYoungNamespaces(t *testing.T) {
	class := classOf("payments", "db")
	live := cluster(t, interceptor.Funcs{}, namespaceWith())
	cached := cluster(t, interceptor.Funcs{}, mounting("a", []provider.Class{class}, class.Name))
	r, events := testRestorer(t, live)
	r.cached = cached
	if _, err := r.Reconcile(t.Context(), requestFor(class)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Normal ClassRestored Create"}, events.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

var _ reconcile.Reconciler = (*restorer)(nil)
