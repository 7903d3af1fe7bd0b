package controller

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
)

// DefaultGrace is how long a class stays that no pod names any more.
const DefaultGrace = 10 * time.Minute

// restoreWorkers run at once on every replica. A restore is two calls that mostly
// wait: so many get 500 classes back within a second. The manager's rest config must
// not throttle them (QPS -1).
const restoreWorkers = 64

// Failed calls are tried again after 50 ms, doubling up to a minute. Unlike the
// default there is no limit over all classes: one that cannot be restored must not
// make 500 others wait.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = time.Minute
)

// Options of Setup and NewStarter. The zero value is good.
type Options struct {
	// Grace is how long a class stays that no pod names; 0 is DefaultGrace.
	Grace time.Duration
	// AllowedVaults is the fence of namespaces that have none: see inject.Settings.
	AllowedVaults string
	// Clock is time.Now if it is nil.
	Clock func() time.Time
	// Classes is the writer that admission has; the zero value is one that only the controllers have.
	Classes ClassWriter
	// Pods lists the pods of namespaces; nil is one of the controllers' own.
	Pods *LivePods
	// Recorded tells of the classes in the driver's records; nil tells of none.
	Recorded *Recorded
	// Registry takes the metrics; nil is the one that the manager serves.
	Registry prometheus.Registerer
}

func (o Options) withDefaults() Options {
	if o.Grace <= 0 {
		o.Grace = DefaultGrace
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Registry == nil {
		o.Registry = ctrlmetrics.Registry
	}
	return o
}

// NewClassWriter returns the ClassWriter of a manager.
func NewClassWriter(mgr ctrl.Manager, opts Options) ClassWriter {
	opts = opts.withDefaults()
	return ClassWriter{
		Cached: mgr.GetClient(), Live: mgr.GetAPIReader(), Writer: mgr.GetClient(),
		needed: newRecent(neededFor(opts.Grace), opts.Clock), unmarks: newUnmarks(opts.Clock),
	}
}

// forController is the writer for what no admission asks for.
func (w ClassWriter) forController() ClassWriter {
	w.needed = nil
	return w
}

// Setup registers the index of pods and the two controllers with a manager, which
// may be running. The class CRD must be there: see Starter. The manager's scheme has
// to know the classes, and its cache should have CacheOptions. Call it once.
func Setup(ctx context.Context, mgr ctrl.Manager, opts Options) error {
	opts = opts.withDefaults()
	if opts.Classes.Writer == nil {
		opts.Classes = NewClassWriter(mgr, opts)
	}
	if opts.Pods == nil {
		opts.Pods = NewLivePods(mgr.GetAPIReader())
	}
	if err := IndexPods(ctx, mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("indexing pods by their classes: %w", err)
	}
	var (
		m      = newMetrics(opts.Registry)
		events = mgr.GetEventRecorder("akv-injector")
	)
	if err := setupRestorer(mgr, &restorer{
		cached:  mgr.GetClient(),
		live:    mgr.GetAPIReader(),
		pods:    opts.Pods,
		classes: opts.Classes.forController(),
		events:  events,
		metrics: m,
		now:     opts.Clock,
		fence:   opts.AllowedVaults,
	}, opts.Recorded); err != nil {
		return fmt.Errorf("registering the restorer of classes: %w", err)
	}
	if err := setupCollector(mgr, &collector{
		cached:  mgr.GetClient(),
		pods:    opts.Pods,
		writer:  mgr.GetClient(),
		events:  events,
		metrics: m,
		grace:   opts.Grace,
		now:     opts.Clock,
		needed:  opts.Classes.needed,
		marks:   newRecent(pauseOf(opts.Grace), opts.Clock),
		strays:  newRecent(strayFor(opts.Grace), opts.Clock),
	}); err != nil {
		return fmt.Errorf("registering the collector of classes: %w", err)
	}
	return nil
}

func setupRestorer(mgr ctrl.Manager, r *restorer, recorded *Recorded) error {
	builder := ctrl.NewControllerManagedBy(mgr)
	if recorded != nil {
		builder = builder.WatchesRawSource(source.Func(recorded.Start))
	}
	return builder.
		Named("class-restorer").
		Watches(&secretsstorev1.SecretProviderClass{}, r.onClass()).
		Watches(&corev1.Pod{}, r.onPod()).
		Watches(&corev1.Namespace{}, r.onNamespace()).
		WithOptions(controller.Options{
			// Any replica may be the one that lives, and a second try does no harm.
			NeedLeaderElection:      new(false),
			MaxConcurrentReconciles: restoreWorkers,
			RateLimiter:             retries(),
		}).
		Complete(r)
}

func setupCollector(mgr ctrl.Manager, c *collector) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("class-collector").
		Watches(&secretsstorev1.SecretProviderClass{}, c.onClass()).
		Watches(&corev1.Pod{}, c.onPod()).
		WithOptions(controller.Options{
			NeedLeaderElection:      new(true),
			MaxConcurrentReconciles: 2,
			RateLimiter:             retries(),
		}).
		Complete(c)
}

func retries() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry)
}
