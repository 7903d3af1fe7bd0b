package refresh

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/controller/podstatus"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

const (
	// workers carry out nudges, and as many others ask vaults and read classes.
	workers = 16
	// driverEvery is how often the driver's flags are read from the cache.
	driverEvery = 10 * time.Second
	// provenFor is how long it is believed that the policy works.
	provenFor = 10 * time.Minute
	// proveAgain is the pause after a proof that failed.
	proveAgain = 30 * time.Second
	// arrivalsPerSecond are the events of versions that have arrived, and arrivalsAtOnce as many
	// together. What is beyond is counted by the metric alone.
	arrivalsPerSecond = 2
	arrivalsAtOnce    = 100
	// readAgain is the pause after a class that could not be read.
	readAgain = 5 * time.Second
)

// Refresher runs on the leader. It is a manager.Runnable.
type Refresher struct {
	o       Options
	cached  client.Reader
	live    client.Reader
	events  EventRecorder
	metrics *metrics
	patcher *patcher
	// spoken bounds the events of arrivals: a secret that thousands of pods share must not cost
	// as many writes again.
	spoken *rate.Limiter
	log    logr.Logger
	watch  func(ctx context.Context, r *Refresher) error
	strays strayQueue

	// leads is set while it runs.
	leads atomic.Bool

	mu    sync.Mutex // of state, and what it is fed with
	state *state
	// stoppedHere is set while the annotation of our own namespace stops rotation.
	stoppedHere bool
	// overloaded is set while the log has last said that more is asked for than can be done.
	overloaded bool
	wake       chan struct{}

	proofMu sync.Mutex
	proof   error
	proved  time.Time // when proof was found
	said    string
}

// Add adds a Refresher to a manager. It is nil if the mode is off.
func Add(mgr ctrl.Manager, o Options, log logr.Logger) (*Refresher, error) {
	if o.Mode == ModeOff {
		return nil, nil
	}
	r := newRefresher(mgr.GetClient(), mgr.GetAPIReader(), mgr.GetClient().Status(), mgr.GetEventRecorder("akv-injector"), o, log)
	r.watch = func(ctx context.Context, r *Refresher) error { return r.watchCache(ctx, mgr.GetCache()) }
	return r, mgr.Add(r)
}

func newRefresher(cached, live client.Reader, writer client.SubResourceWriter, events EventRecorder, o Options, log logr.Logger) *Refresher {
	o = o.withDefaults()
	r := &Refresher{
		o: o, cached: cached, live: live, events: events, log: log,
		patcher: &patcher{Writer: podstatus.Writer{Client: writer}, now: o.Clock},
		state:   newState(Limits{Nudges: o.Nudges, PerNode: nodeShare}),
		spoken:  rate.NewLimiter(arrivalsPerSecond, arrivalsAtOnce),
		wake:    make(chan struct{}, 1),
		strays:  newStrayQueue(),
	}
	r.state.stopped = o.Mode != ModeDrive
	r.metrics = newMetrics(o.Registry, counters{
		pods: func() (n Pods) { r.read(func(s *state, _ time.Time) { n = s.Count() }); return n },
		objects: func() (n Objects) {
			r.read(func(s *state, now time.Time) { n = s.CountObjects(now, o.ExpiryWarning) })
			return n
		},
		load: func() (n float64) { r.read(func(s *state, _ time.Time) { n = s.Load(o.CallsPerVault) }); return n },
	})
	return r
}

// read reads the state.
func (r *Refresher) read(look func(s *state, now time.Time)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	look(r.state, r.o.Clock())
}

// NeedLeaderElection is true: two that nudge would nudge twice.
func (*Refresher) NeedLeaderElection() bool { return true }

// Start works until ctx ends.
func (r *Refresher) Start(ctx context.Context) error {
	r.log.Info("rotation", "mode", r.o.Mode, "nudgesPerSecond", r.o.Nudges)
	err := r.watch(ctx, r)
	switch {
	case errors.Is(err, context.Canceled):
		return nil // the program ends
	case err != nil:
		return err
	}
	r.leads.Store(true)
	defer r.leads.Store(false)
	r.run(ctx)
	return nil
}

// Leads reports whether this replica does what is to be done, and so listens to events.
func (r *Refresher) Leads() bool { return r.leads.Load() }

// Hear takes what an event says, and reports whether this replica leads.
func (r *Refresher) Hear(h Hint) bool {
	if !r.Leads() {
		return false
	}
	r.feed(func(s *state, now time.Time) { s.Hint(h, now) })
	return true
}

// feed changes the state, and has what follows from it done.
func (r *Refresher) feed(change func(s *state, now time.Time)) {
	r.mu.Lock()
	change(r.state, r.o.Clock())
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // it is awake
	}
}

// run does what the state wants done.
func (r *Refresher) run(ctx context.Context) {
	nudges, calls := make(chan func()), make(chan func())
	var pool sync.WaitGroup
	for range workers {
		for _, jobs := range []chan func(){nudges, calls} {
			pool.Go(func() {
				for job := range jobs {
					job()
				}
			})
		}
	}
	backlog := newBacklog(calls)
	pool.Go(func() { backlog.run(ctx) })
	for range strayWorkers {
		pool.Go(func() { r.readStrays(ctx) })
	}
	defer pool.Wait()
	defer r.strays.ShutDown()
	defer close(nudges)
	r.readDriver(ctx)
	driver := time.NewTicker(driverEvery)
	defer driver.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-driver.C:
			r.readDriver(ctx)
		case <-timer.C:
		case <-r.wake:
		}
		r.mu.Lock()
		now := r.o.Clock()
		work := r.state.Next(now)
		r.mu.Unlock()
		for _, key := range work.Reads {
			backlog.add(func() { r.readClass(ctx, key) })
		}
		for _, object := range work.Looks {
			backlog.add(func() { r.look(ctx, object) })
		}
		for i := range work.GivenUp {
			r.metrics.gaveUp.Inc()
			r.reportGivenUp(&work.GivenUp[i])
		}
		for _, n := range work.Nudges {
			select {
			case nudges <- func() { r.nudge(ctx, n) }:
			case <-ctx.Done():
				return
			}
		}
		if !work.Wake.IsZero() {
			timer.Reset(max(0, work.Wake.Sub(now)))
		}
	}
}

// nudge carries out one nudge, if it may.
func (r *Refresher) nudge(ctx context.Context, n Nudge) {
	kind := kindStale
	if n.Canary {
		kind = kindCanary
	}
	if err := r.prove(ctx, n); err != nil {
		r.metrics.nudges.WithLabelValues(kind, refused).Inc()
		return
	}
	result, err := r.patcher.Nudge(ctx, n)
	r.metrics.nudges.WithLabelValues(kind, result).Inc()
	switch {
	case result == refused:
		r.disprove(fmt.Errorf("%w: a patch of pods/status was refused", podstatus.ErrNoRight))
	case err != nil && ctx.Err() == nil:
		r.log.V(1).Info("a pod could not be patched, and is tried again", "namespace", n.Pod.Namespace, "pod", n.Pod.Name, "result", result)
	}
}

// prove makes sure that the admission policy holds us to one annotation, before the right to
// patch pods is used.
func (r *Refresher) prove(ctx context.Context, n Nudge) error {
	r.proofMu.Lock()
	defer r.proofMu.Unlock()
	valid := provenFor
	if r.proof != nil {
		valid = proveAgain
	}
	if now := r.o.Clock(); r.proved.IsZero() || now.Sub(r.proved) > valid {
		err := r.patcher.Prove(ctx, n.Pod, n.UID, "")
		if errors.Is(err, podstatus.ErrNotProven) && r.proof == nil && !r.proved.IsZero() {
			return err // the pod is gone or the API server busy: what was shown before is not disproved
		}
		r.conclude(err, now)
	}
	return r.proof
}

func (r *Refresher) disprove(err error) {
	r.proofMu.Lock()
	defer r.proofMu.Unlock()
	r.conclude(err, r.o.Clock())
}

// conclude remembers whether pods may be patched, and says so when that changes.
func (r *Refresher) conclude(err error, now time.Time) {
	r.proof, r.proved = err, now
	if errors.Is(err, podstatus.ErrNotProven) {
		r.proved = time.Time{} // the next pod will do
	}
	said := "driving"
	if err != nil {
		said = err.Error()
		r.metrics.driving.Set(0)
	} else {
		r.metrics.driving.Set(1)
	}
	if said == r.said {
		return
	}
	r.said = said
	if err != nil {
		r.log.Info("rotation is only observed, and rotationPollInterval is up to the CSI driver. "+
			"Fix: apply the ValidatingAdmissionPolicy and the ClusterRole for pods/status of akv-injector's manifests (Kubernetes 1.30 or newer)", "reason", said)
		return
	}
	r.log.Info("rotation is driven: pods are patched when they have an older version than their vault")
}

// look asks a vault about an object.
func (r *Refresher) look(ctx context.Context, o Object) {
	answer := ask(ctx, r.o.Vaults, o, r.o.Clock)
	result := "answered"
	if answer == nil {
		result = "unknown"
	}
	r.metrics.looks.WithLabelValues(result).Inc()
	var disabled []types.NamespacedName
	r.feed(func(s *state, now time.Time) { disabled = s.Answer(o, answer, now) })
	for _, class := range disabled {
		r.reportDisabled(class, o)
	}
}

// readClass reads the content of a class, which the cache does not have.
func (r *Refresher) readClass(ctx context.Context, key types.NamespacedName) {
	ctx, cancel := context.WithTimeout(ctx, podstatus.Timeout)
	defer cancel()
	var class secretsstorev1.SecretProviderClass
	err := r.live.Get(ctx, key, &class)
	switch {
	case client.IgnoreNotFound(err) != nil:
		time.AfterFunc(readAgain, func() { r.feed(func(s *state, _ time.Time) { s.ClassChanged(key) }) })
	case err == nil:
		content := ReadClass(facts.NewClass(&class))
		r.feed(func(s *state, now time.Time) { s.SetClass(key, content, now) })
	}
}

// readDriver reads what the driver does from the cache, and reports pods that it has left empty.
func (r *Refresher) readDriver(ctx context.Context) {
	f := facts.Facts{Driver: r.o.Driver()}
	var csi storagev1.CSIDriver
	if err := r.cached.Get(ctx, types.NamespacedName{Name: provider.DriverName}, &csi); err == nil {
		f.CSIDriver = &csi
	}
	d := driverOf(&f)
	r.mu.Lock()
	before := r.state.driver
	r.state.SetDriver(d, r.o.Clock())
	empties := r.state.Empties(r.o.Clock())
	r.mu.Unlock()
	for i := range empties {
		r.metrics.empty.Inc()
		r.reportEmpty(&empties[i])
	}
	r.tellLoad()
	if before != d {
		r.log.Info("the CSI driver", "gate", d.Gate.String(), "idle", d.Idle)
	}
}

// tellLoad says when more is asked for than the limits allow, and when that is over.
func (r *Refresher) tellLoad() {
	var load float64
	r.read(func(s *state, _ time.Time) { load = s.Load(r.o.CallsPerVault) })
	over := load > overloaded
	if over == r.overloaded {
		return
	}
	r.overloaded = over
	if !over {
		r.log.Info("the limits of rotation allow all that pods ask for again")
		return
	}
	r.log.Info("pods ask for more than the limits of rotation allow, so intervals are longer than asked for by this factor. "+
		"Fix: ask for longer intervals, or raise --rotation-vault-calls-per-second or --rotation-nudges-per-second", "factor", fmt.Sprintf("%.1f", load))
}

// driverOf reads what the cluster's driver does with nudges.
func driverOf(f *facts.Facts) Driver {
	rotation := f.Rotation()
	d := Driver{Gate: provider.DefaultPollInterval}
	if rotation.Known {
		d.Gate = rotation.Interval
	}
	switch {
	case f.CSIDriver == nil:
		d.Idle = "there is no CSIDriver " + provider.DriverName
	case rotation.Off != "":
		d.Idle = rotation.Off
	case rotation.Known && !rotation.Kubelet:
		d.Idle = "the driver is older than 1.6 and rotates by a loop of its own: only its --rotation-poll-interval counts"
	case !facts.Republishes(f.CSIDriver):
		d.Idle = "the CSIDriver has no requiresRepublish, so the kubelet never asks the driver again"
	}
	return d
}

// namespace is what matters of a namespace, nil if none of its pods are to be nudged.
func (r *Refresher) namespace(ns *corev1.Namespace) *Namespace {
	if !served(ns) {
		return nil
	}
	fence := fenceOf(ns, r.o.AllowedVaults)
	return &Namespace{Listed: func(vault string) bool { return r.o.Vaults != nil && vault != "" && fence(vault) }}
}
