package controller

import "github.com/prometheus/client_golang/prometheus"

// metrics of this package. No label carries a name from the cluster.
type metrics struct {
	restored  prometheus.Counter
	failures  *prometheus.CounterVec
	duration  prometheus.Histogram
	collected prometheus.Counter
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		restored: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "akv_injector_classes_restored_total",
			Help: "SecretProviderClasses that were deleted or edited under running pods and that this replica restored.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_class_restore_failures_total",
			Help: "SecretProviderClasses that running pods mount and that could not be restored, by reason: " +
				"NamespaceNotOptedIn, NoRecord, VaultNotAllowed, NotOurs, Refused (RBAC, quota, policy), each once while it lasts; Failed (a call, tried again), each time.",
		}, []string{"reason"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "akv_injector_class_restore_duration_seconds",
			Help: "Time from hearing that a SecretProviderClass was deleted or edited until it was restored.",
			// From a single call to the backoff's longest wait.
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
		collected: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "akv_injector_classes_collected_total",
			Help: "SecretProviderClasses that no pod had named for the grace period and that were deleted.",
		}),
	}
	for _, reason := range []string{reasonNotOptedIn, reasonNoRecord, reasonVaultNotAllowed, reasonNotOurs, reasonRefused, reasonFailed} {
		// A series that is there from the start makes the first failure an increase.
		m.failures.WithLabelValues(reason)
	}
	registry.MustRegister(m.restored, m.failures, m.duration, m.collected)
	return m
}
