package restart

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/provider"
)

const (
	// gatherFor is how long changes of a namespace are gathered before its pods are read.
	gatherFor = 2 * time.Second
	// everything is how often all namespaces are read, whatever was heard.
	everything = 10 * time.Minute
	// failedAgain is the pause after a namespace that could not be read.
	failedAgain = 30 * time.Second
	// waitForKinds is the pause before a kind is asked for again that the API server does not know.
	waitForKinds = 15 * time.Second
)

// Reasons of events.
const (
	eventRestarted  = "RestartedForRotation"
	eventNotRestart = "NotRestartedForRotation"
)

// EventRecorder records events.
type EventRecorder interface {
	Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any)
}

// Restarter runs on the leader. It is a manager.Runnable.
type Restarter struct {
	cached, live client.Reader
	writer       client.Writer
	evictions    client.SubResourceWriter
	events       EventRecorder
	log          logr.Logger
	now          func() time.Time
	ownNamespace string
	cache        cache.Cache
	restarts     prometheus.Counter

	mu sync.Mutex
	// dirty are namespaces by when they are to be read.
	dirty map[string]time.Time
	wake  chan struct{}
	// told are events of pods and workloads that were recorded, by the change that they are about.
	told map[types.UID]time.Time
	// emptied is what was done about empty pods by workload, and emptySince when each was first seen.
	emptied    map[types.UID]emptied
	emptySince map[types.UID]time.Time
}

// Add adds a Restarter to a manager.
func Add(mgr ctrl.Manager, ownNamespace string, log logr.Logger) error {
	r := newRestarter(mgr.GetClient(), mgr.GetAPIReader(), mgr.GetClient(), mgr.GetEventRecorder("akv-injector"), time.Now, log)
	r.evictions = mgr.GetClient().SubResource("eviction")
	r.ownNamespace, r.cache = ownNamespace, mgr.GetCache()
	ctrlmetrics.Registry.MustRegister(r.restarts)
	return mgr.Add(r)
}

func newRestarter(cached, live client.Reader, writer client.Writer, events EventRecorder, now func() time.Time, log logr.Logger) *Restarter {
	return &Restarter{
		cached: cached, live: live, writer: writer, events: events, log: log, now: now,
		restarts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "akv_injector_rotation_restarts_total",
			Help: "Workloads that were restarted, and pods that were evicted, because their secrets were rotated (on-rotation).",
		}),
		dirty: map[string]time.Time{}, wake: make(chan struct{}, 1), told: map[types.UID]time.Time{},
		emptied: map[types.UID]emptied{}, emptySince: map[types.UID]time.Time{},
	}
}

// NeedLeaderElection is true: two would restart twice.
func (*Restarter) NeedLeaderElection() bool { return true }

// Start works until ctx ends.
func (r *Restarter) Start(ctx context.Context) error {
	if err := r.watch(ctx); err != nil {
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	all := time.NewTicker(everything)
	defer all.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	r.markAll(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-all.C:
			r.markAll(ctx)
		case <-timer.C:
		case <-r.wake:
		}
		next := r.work(ctx)
		if !next.IsZero() {
			timer.Reset(max(0, next.Sub(r.now())))
		}
	}
}

// watch hears of records that change.
func (r *Restarter) watch(ctx context.Context) error {
	for {
		informer, err := r.cache.GetInformer(ctx, &secretsstorev1.SecretProviderClassPodStatus{})
		if err == nil {
			_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
				UpdateFunc: func(before, after any) {
					b, _ := before.(*secretsstorev1.SecretProviderClassPodStatus)
					a, _ := after.(*secretsstorev1.SecretProviderClassPodStatus)
					if a != nil && b != nil && a.ResourceVersion != b.ResourceVersion {
						r.mark(a.Namespace, r.now().Add(gatherFor))
					}
				},
				// Without its record a pod may be empty.
				DeleteFunc: func(obj any) {
					if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
						obj = gone.Obj
					}
					if record, ok := obj.(*secretsstorev1.SecretProviderClassPodStatus); ok {
						r.mark(record.Namespace, r.now().Add(gatherFor))
					}
				},
			})
			if err != nil {
				return err
			}
			return r.watchPods(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(waitForKinds):
		}
	}
}

// watchPods hears of pods that start, and may have started without their files.
func (r *Restarter) watchPods(ctx context.Context) error {
	informer, err := r.cache.GetInformer(ctx, &corev1.Pod{})
	if err != nil {
		return fmt.Errorf("watching pods: %w", err)
	}
	started := func(before, pod *corev1.Pod) {
		if len(provider.ClassNames(&pod.Spec)) > 0 && pod.Status.Phase == corev1.PodRunning && (before == nil || before.Status.Phase != corev1.PodRunning) {
			r.mark(pod.Namespace, r.now().Add(gatherFor))
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if pod, ok := obj.(*corev1.Pod); ok {
				started(nil, pod)
			}
		},
		UpdateFunc: func(before, after any) {
			b, _ := before.(*corev1.Pod)
			if a, ok := after.(*corev1.Pod); ok && b != nil {
				started(b, a)
			}
		},
	})
	return err
}

// mark has a namespace read at a time, or sooner.
func (r *Restarter) mark(namespace string, at time.Time) {
	r.mu.Lock()
	if known, ok := r.dirty[namespace]; !ok || at.Before(known) {
		r.dirty[namespace] = at
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Restarter) markAll(ctx context.Context) {
	var all corev1.NamespaceList
	if err := r.cached.List(ctx, &all); err != nil {
		return // the next round
	}
	for i := range all.Items {
		if served(&all.Items[i]) {
			r.mark(all.Items[i].Name, r.now())
		}
	}
}

// work reads the namespaces whose time has come, and returns when the next is.
func (r *Restarter) work(ctx context.Context) (next time.Time) {
	var due []string
	r.mu.Lock()
	for name, at := range r.dirty {
		if !at.After(r.now()) {
			due = append(due, name)
			delete(r.dirty, name)
		}
	}
	r.mu.Unlock()
	for _, name := range due {
		again, err := r.namespace(ctx, name)
		if err != nil {
			if ctx.Err() == nil {
				r.log.Error(err, "restarts of a namespace are tried again", "namespace", name)
			}
			again = r.now().Add(failedAgain)
		}
		if !again.IsZero() {
			r.mark(name, again)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, at := range r.dirty {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// namespace restarts what is due in a namespace, and returns when to look again.
func (r *Restarter) namespace(ctx context.Context, name string) (again time.Time, err error) {
	var ns corev1.Namespace
	if err := r.cached.Get(ctx, types.NamespacedName{Name: name}, &ns); err != nil {
		return again, client.IgnoreNotFound(err)
	}
	if !served(&ns) || r.stopped(ctx) {
		return again, nil // the next round
	}
	f, err := r.gather(ctx, &ns)
	if err != nil {
		return again, err
	}
	for _, pod := range f.alone {
		r.tell(pod, pod.UID, pod.CreationTimestamp.Time, "A secret of this pod was rotated, and on-rotation is restart, but "+errNoOwner.Error()+". Fix: replace the pod")
	}
	for _, w := range f.workloads {
		if w.Reloaded && !w.Changed.IsZero() {
			r.tell(f.objects[w.UID], w.UID, w.Changed, "A secret was rotated ("+words(w.Objects)+"), and the annotations of a reloader are on this workload: its restart is left to that")
		}
	}
	for _, w := range f.workloads {
		if w.Held && !w.Reloaded && !w.Settings.Evict && !w.Changed.IsZero() {
			r.tell(f.objects[w.UID], w.UID, w.Changed, "A secret was rotated ("+words(w.Objects)+"), and the updateStrategy of this workload (OnDelete, or a partition) keeps its pods when the template changes, so it is not restarted. Fix: write on-rotation: evict")
		}
	}
	due, again := decide(f.workloads, r.now())
	for _, w := range due {
		if err := r.restart(ctx, w, f.objects[w.UID]); err != nil {
			return again, err
		}
	}
	empty, err := r.evictEmpty(ctx, f)
	if !empty.IsZero() && (again.IsZero() || empty.Before(again)) {
		again = empty
	}
	return again, err
}

// stopped reports whether the annotation of our own namespace stops all.
func (r *Restarter) stopped(ctx context.Context) bool {
	var ns corev1.Namespace
	if r.ownNamespace == "" || r.cached.Get(ctx, types.NamespacedName{Name: r.ownNamespace}, &ns) != nil {
		return false
	}
	return stops(&ns)
}

func (r *Restarter) restart(ctx context.Context, w *Workload, owner *unstructured.Unstructured) error {
	if err := prove(ctx, r.writer, owner); err != nil {
		return fmt.Errorf("%s %s is not restarted: %w", w.Kind, w.Key, err)
	}
	if w.Settings.Evict {
		return r.evict(ctx, w, owner)
	}
	patch, err := patchOf(owner, r.now())
	if err != nil {
		return err
	}
	if err := send(ctx, r.writer, owner, patch); err != nil {
		return fmt.Errorf("restarting %s %s: %w", w.Kind, w.Key, err)
	}
	r.restarts.Inc()
	r.log.Info("restarted a workload whose secret was rotated", "kind", w.Kind, "namespace", w.Key.Namespace, "name", w.Key.Name)
	r.events.Eventf(owner, nil, corev1.EventTypeNormal, eventRestarted, "Restart", "Restarted, because secrets of its pods were rotated: %s", words(w.Objects))
	return nil
}

// tell records an event once for each change.
func (r *Restarter) tell(regarding client.Object, uid types.UID, change time.Time, note string) {
	if known, ok := r.told[uid]; ok && !change.After(known) {
		return
	}
	if len(r.told) > 10_000 {
		clear(r.told)
	}
	r.told[uid] = change
	if pod, ok := regarding.(*corev1.Pod); ok {
		pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	}
	r.events.Eventf(regarding, nil, corev1.EventTypeWarning, eventNotRestart, "Restart", "%s", note)
}
