package refresh

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of this package. No label carries a name from the cluster.
type metrics struct {
	nudges   *prometheus.CounterVec
	arrivals prometheus.Counter
	lag      prometheus.Histogram
	gaveUp   prometheus.Counter
	empty    prometheus.Counter
	looks    *prometheus.CounterVec
	driving  prometheus.Gauge
}

// Kinds of nudges.
const (
	kindStale  = "stale"
	kindCanary = "canary"
)

// counters give the gauges their values.
type counters struct {
	pods    func() Pods
	objects func() Objects
	load    func() float64
}

func newMetrics(registry prometheus.Registerer, count counters) *metrics {
	m := &metrics{
		nudges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_rotation_nudges_total",
			Help: "Patches of a pod's annotation that make the kubelet ask the CSI driver now, by kind (stale: the pod is known to have an older version; canary: to find out) " +
				"and result (sent; gone: the pod was deleted; refused: RBAC or policy; failed: the call).",
		}, []string{"kind", "result"}),
		arrivals: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "akv_injector_rotation_arrivals_total",
			Help: "Objects of pods whose recorded version has changed, however that came about.",
		}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "akv_injector_rotation_lag_seconds",
			Help:    "Time from the creation of a version in Key Vault (whole seconds) until it was recorded as mounted, of versions that a vault's list had shown before that.",
			Buckets: []float64{1, 2, 5, 10, 15, 30, 45, 60, 90, 120, 180, 300, 600},
		}),
		gaveUp: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "akv_injector_rotation_given_up_total",
			Help: "Pods that kept an older version through all nudges, and are left to the kubelet.",
		}),
		empty: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "akv_injector_rotation_empty_pods_total",
			Help: "Running pods of whose volumes the driver has recorded no mount for a minute: their containers see an empty folder.",
		}),
		looks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_rotation_vault_looks_total",
			Help: "Objects whose versions a vault was asked for, by result: answered or unknown.",
		}, []string{"result"}),
		driving: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "akv_injector_rotation_driving",
			Help: "1 while this replica nudges pods, 0 while it only observes or another replica leads.",
		}),
	}
	for _, kind := range []string{kindStale, kindCanary} {
		for _, result := range []string{sent, gone, refused, failed} {
			m.nudges.WithLabelValues(kind, result)
		}
	}
	pods := func(state string, of func(Pods) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "akv_injector_rotation_pods",
			Help:        "Running pods whose volumes ask for an interval, by state: current, stale (a newer version is known), or unrecorded (the driver has not recorded a mount). 0 on replicas that do not lead.",
			ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return float64(of(count.pods())) })
	}
	objects := func(state string, of func(Objects) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "akv_injector_rotation_objects",
			Help: "Objects of the classes of these pods, by state: mixed (pods of a class have different versions), listed (a vault's list tells of it), " +
				"and of those the ones whose newest version is disabled, expired, or expiring within --vault-expiry-warning. 0 on replicas that do not lead.",
			ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 { return float64(of(count.objects())) })
	}
	registry.MustRegister(
		m.nudges, m.arrivals, m.lag, m.gaveUp, m.empty, m.looks, m.driving,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "akv_injector_rotation_load",
			Help: "What pods ask for by the limits of nudges and of calls to one vault. Above 1 the intervals that are kept are so many times longer than those that are asked for. 0 on replicas that do not lead.",
		}, count.load),
		objects("mixed", func(n Objects) int { return n.Mixed }),
		objects("listed", func(n Objects) int { return n.Listed }),
		objects("disabled", func(n Objects) int { return n.Disabled }),
		objects("expired", func(n Objects) int { return n.Expired }),
		objects("expiring", func(n Objects) int { return n.Expiring }),
		pods("current", func(n Pods) int { return n.Current }),
		pods("stale", func(n Pods) int { return n.Stale }),
		pods("unrecorded", func(n Pods) int { return n.Unrecorded }),
	)
	return m
}
