package mounted

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/controller/podstatus"
	"akv-injector/controller/refresh"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

const (
	// workers judge pods. Each pod takes a call to read it, one for each class, and one to open its gate.
	workers = 8
	// othersAfter is how long a replica that does not lead leaves a pod to the one that does.
	othersAfter = 3 * time.Second
	// provenFor is how long it is believed that the policy works, and proveAgain the pause after a
	// proof that failed.
	provenFor  = 10 * time.Minute
	proveAgain = 5 * time.Second
	// firstRetry and lastRetry are the pauses after a call that failed.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
	// waitForKinds is the pause before a kind is asked for again that the API server does not know.
	waitForKinds = 15 * time.Second
	// maxTold are the pods that are remembered as reported.
	maxTold = 10_000
)

// eventLate is the reason of the event.
const eventLate = "SecretsMountedTooLate"

// EventRecorder records events.
type EventRecorder interface {
	Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any)
}

// Gater runs on every replica. It is a manager.Runnable.
type Gater struct {
	cached, live client.Reader
	writer       podstatus.Writer
	events       EventRecorder
	now          func() time.Time
	log          logr.Logger
	cache        cache.Cache
	elected      <-chan struct{}
	gates        *prometheus.CounterVec

	queue workqueue.TypedRateLimitingInterface[types.NamespacedName]
	works atomic.Bool

	// heard has a token once there is a pod to try the policy with.
	heard chan struct{}

	mu     sync.Mutex
	sample types.NamespacedName
	uid    types.UID // of sample
	told   map[types.UID]bool
	// strays are pods with a generated class that the cache does not have: their label was taken off.
	strays map[types.NamespacedName]bool
	said   string
}

// Add adds a Gater to a manager.
func Add(mgr ctrl.Manager, log logr.Logger) (*Gater, error) {
	g := newGater(mgr.GetClient(), mgr.GetAPIReader(), podstatus.Writer{Client: mgr.GetClient().Status()}, mgr.GetEventRecorder("akv-injector"), log)
	g.cache, g.elected = mgr.GetCache(), mgr.Elected()
	ctrlmetrics.Registry.MustRegister(g.gates)
	return g, mgr.Add(g)
}

func newGater(cached, live client.Reader, writer podstatus.Writer, events EventRecorder, log logr.Logger) *Gater {
	g := &Gater{
		cached: cached, live: live, writer: writer, events: events, log: log, now: time.Now,
		gates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_mounted_gates_total",
			Help: "Readiness gates of pods, by result: opened, or late (the files came after the containers had started, so the gate stays closed).",
		}, []string{"result"}),
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](firstRetry, lastRetry)),
		told:  map[types.UID]bool{}, strays: map[types.NamespacedName]bool{},
		heard: make(chan struct{}, 1),
	}
	for _, result := range []string{"opened", "late"} {
		g.gates.WithLabelValues(result)
	}
	return g
}

// NeedLeaderElection is false: a gate must not wait for a leader.
func (*Gater) NeedLeaderElection() bool { return false }

// Works reports whether gates can be opened now, so that pods may be given one.
func (g *Gater) Works() bool { return g.works.Load() }

// Start works until ctx ends.
func (g *Gater) Start(ctx context.Context) error {
	if err := g.watch(ctx); err != nil {
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	var pool sync.WaitGroup
	for range workers {
		pool.Go(func() { g.work(ctx) })
	}
	pool.Go(func() { g.proveAlways(ctx) })
	<-ctx.Done()
	g.queue.ShutDown()
	pool.Wait()
	return nil
}

// watch hears of pods and of the driver's records.
func (g *Gater) watch(ctx context.Context) error {
	heard := func(handle func(obj any)) toolscache.ResourceEventHandlerFuncs {
		return toolscache.ResourceEventHandlerFuncs{AddFunc: handle, UpdateFunc: func(_, obj any) { handle(obj) }}
	}
	for _, kind := range []struct {
		object client.Object
		on     func(obj any)
	}{
		{&corev1.Pod{}, g.heardPod},
		{&secretsstorev1.SecretProviderClassPodStatus{}, g.heardRecord},
	} {
		for {
			informer, err := g.cache.GetInformer(ctx, kind.object)
			if err == nil {
				if _, err = informer.AddEventHandler(heard(kind.on)); err != nil {
					return fmt.Errorf("watching %T: %w", kind.object, err)
				}
				break
			}
			g.log.Info("readiness gates wait for a kind of the CSI driver", "kind", fmt.Sprintf("%T", kind.object), "error", err.Error())
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(waitForKinds):
			}
		}
	}
	return nil
}

func (g *Gater) heardPod(obj any) {
	pod, ok := obj.(*corev1.Pod)
	if !ok || pod.DeletionTimestamp != nil {
		return
	}
	key := client.ObjectKeyFromObject(pod)
	g.mu.Lock()
	first := g.uid == ""
	g.sample, g.uid = key, pod.UID
	g.mu.Unlock()
	if first {
		g.heard <- struct{}{}
	}
	if closed(pod) {
		g.queue.Add(key)
	}
}

func (g *Gater) heardRecord(obj any) {
	record, ok := obj.(*secretsstorev1.SecretProviderClassPodStatus)
	if !ok || record.Status.PodName == "" {
		return
	}
	key := types.NamespacedName{Namespace: record.Namespace, Name: record.Status.PodName}
	if provider.Generated(record.Status.SecretProviderClassName) && apierrors.IsNotFound(g.cached.Get(context.Background(), key, &corev1.Pod{})) {
		g.mu.Lock()
		if len(g.strays) > maxTold {
			clear(g.strays)
		}
		g.strays[key] = true
		g.mu.Unlock()
	}
	g.queue.Add(key)
}

func (g *Gater) stray(pod types.NamespacedName) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.strays[pod]
}

func (g *Gater) forgetStray(pod types.NamespacedName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.strays, pod)
}

// closed reports whether a pod has the gate, and it is not open.
func closed(pod *corev1.Pod) bool {
	has := false
	for _, gate := range pod.Spec.ReadinessGates {
		has = has || gate.ConditionType == annotation.ConditionMounted
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == annotation.ConditionMounted && c.Status == corev1.ConditionTrue {
			return false
		}
	}
	return has
}

// proveAlways finds out again and again whether the policy holds us to what we need.
func (g *Gater) proveAlways(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-g.heard:
		}
		g.mu.Lock()
		key, uid := g.sample, g.uid
		g.mu.Unlock()
		pause := proveAgain
		if uid != "" {
			err := g.writer.Prove(ctx, key, uid, annotation.ConditionMounted)
			switch {
			case err == nil:
				pause = provenFor
				g.conclude(nil)
			case !errors.Is(err, podstatus.ErrNotProven):
				g.conclude(err)
			case g.works.Load():
				// The pod is gone, or the API server busy: what was shown before is not disproved.
			default:
				g.conclude(err)
			}
		}
		timer.Reset(pause)
	}
}

// conclude remembers whether gates can be opened, and says so when that changes.
func (g *Gater) conclude(err error) {
	g.works.Store(err == nil)
	said := "works"
	if err != nil {
		said = err.Error()
	}
	g.mu.Lock()
	changed := g.said != said
	g.said = said
	g.mu.Unlock()
	switch {
	case !changed:
	case err == nil:
		g.log.Info("readiness gates are opened when secrets are mounted")
	default:
		g.log.Info("no readiness gate is added or opened. Fix: apply the ValidatingAdmissionPolicy of pods and the ClusterRole for pods/status of akv-injector's manifests (Kubernetes 1.30 or newer)", "reason", said)
	}
}

func (g *Gater) work(ctx context.Context) {
	for {
		key, over := g.queue.Get()
		if over {
			return
		}
		again, err := g.look(ctx, key)
		switch {
		case err != nil && ctx.Err() == nil:
			g.log.V(1).Info("a pod's gate is looked at again", "namespace", key.Namespace, "pod", key.Name)
			g.queue.AddRateLimited(key)
		case again > 0:
			g.queue.Forget(key)
			g.queue.AddAfter(key, again)
		default:
			g.queue.Forget(key)
		}
		g.queue.Done(key)
	}
}

// look opens the gate of a pod if its secrets are mounted, and returns when to look again, 0 if only
// an event brings anything new.
func (g *Gater) look(ctx context.Context, key types.NamespacedName) (again time.Duration, err error) {
	known := &corev1.Pod{}
	err = g.cached.Get(ctx, key, known)
	if apierrors.IsNotFound(err) && g.stray(key) {
		err, known = nil, nil
	}
	if err != nil || known != nil && (!closed(known) || known.DeletionTimestamp != nil) {
		return 0, client.IgnoreNotFound(err)
	}
	if !g.works.Load() {
		return proveAgain, nil
	}
	// The cache has neither the containers nor who wrote what.
	pod := &corev1.Pod{}
	if err := g.live.Get(ctx, key, pod); err != nil || !closed(pod) || pod.DeletionTimestamp != nil {
		if client.IgnoreNotFound(err) == nil {
			g.forgetStray(key)
		}
		return 0, client.IgnoreNotFound(err)
	}
	made, err := g.records(ctx, pod)
	if err != nil {
		return 0, err
	}
	switch Judge(pod, made) {
	case Waiting:
		return 0, nil
	case Late:
		g.reportLate(pod)
		return 0, nil
	case Mounted:
	}
	if !g.leads() && g.now().Sub(newestRecord(made)) < othersAfter {
		return othersAfter, nil
	}
	err = g.writer.SetCondition(ctx, key, pod.UID, condition("Mounted", "the CSI driver has recorded all mounts", g.now()))
	switch {
	case err == nil:
		g.gates.WithLabelValues("opened").Inc()
		return 0, nil
	case podstatus.Gone(err):
		return 0, nil
	case apierrors.IsForbidden(err):
		g.conclude(fmt.Errorf("%w: a patch of pods/status was refused", podstatus.ErrNoRight))
	}
	return 0, err
}

func (g *Gater) leads() bool {
	select {
	case <-g.elected:
		return true
	default:
		return false
	}
}

func newestRecord(made map[string]time.Time) (newest time.Time) {
	for _, at := range made {
		if at.After(newest) {
			newest = at
		}
	}
	return newest
}

// condition is the open gate.
func condition(reason, message string, now time.Time) corev1.PodCondition {
	return corev1.PodCondition{
		Type: annotation.ConditionMounted, Status: corev1.ConditionTrue, Reason: reason, Message: message,
		LastTransitionTime: metav1.NewTime(now.UTC().Truncate(time.Second)),
	}
}

// records are when the driver made its record of each class of a pod.
func (g *Gater) records(ctx context.Context, pod *corev1.Pod) (map[string]time.Time, error) {
	made := map[string]time.Time{}
	for _, class := range provider.ClassNames(&pod.Spec) {
		var record secretsstorev1.SecretProviderClassPodStatus
		// The driver names it after the three.
		key := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name + "-" + pod.Namespace + "-" + class}
		if err := g.cached.Get(ctx, key, &record); err != nil {
			if apierrors.IsNotFound(err) {
				continue
			}
			return nil, err
		}
		// A record of the pod before, of the same name, says nothing of this one.
		if read, ok := refresh.ReadRecord(&record); ok && read.UID == pod.UID && read.Class == class && read.Pod.Name == pod.Name {
			made[class] = record.CreationTimestamp.Time
		}
	}
	return made, nil
}

// reportLate tells once that a pod will not become Ready.
func (g *Gater) reportLate(pod *corev1.Pod) {
	g.mu.Lock()
	known := g.told[pod.UID]
	if len(g.told) > maxTold {
		clear(g.told)
	}
	g.told[pod.UID] = true
	g.mu.Unlock()
	if known {
		return
	}
	g.gates.WithLabelValues("late").Inc()
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	g.events.Eventf(pod, nil, corev1.EventTypeWarning, eventLate, "Mount",
		"The CSI driver mounted the secrets when the containers were running already, which may see an empty folder, so the pod stays unready (driver 1.6.0 does this after a first mount that was interrupted). Fix: delete the pod")
}
