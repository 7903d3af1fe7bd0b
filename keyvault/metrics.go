package keyvault

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// maxLabels is how many vaults have series of their own. Names come from the cluster's
	// users, so further ones share otherVaults.
	maxLabels   = 100
	otherVaults = "other"
)

// What came of a question, where it is not a Reason.
const (
	outcomeFound  = "found"
	outcomeAbsent = "absent"
)

// metrics of the calls. No label has an object's name.
type metrics struct {
	lookups  *prometheus.CounterVec
	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	open     *prometheus.GaugeVec

	mu     sync.Mutex
	labels map[string]bool
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		labels: map[string]bool{},
		lookups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_vault_lookups_total",
			Help: "Questions about a vault's objects by vault, the objects' type, outcome (found, absent, or why it is not known), and whether the cache had the answer (hit, miss).",
		}, []string{"vault", "type", "outcome", "cache"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_vault_calls_total",
			Help: "Calls to vaults by vault, the objects' type, and outcome (found, absent, or why it is not known).",
		}, []string{"vault", "type", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "akv_injector_vault_call_duration_seconds",
			Help:    "Time of a call to a vault by outcome, with the token for it.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"outcome"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "akv_injector_vault_circuit_open",
			Help: "1 while a vault that failed is left alone; of the vaults that have no series of their own, how many are.",
		}, []string{"vault"}),
	}
	if registry != nil {
		registry.MustRegister(m.lookups, m.calls, m.duration, m.open)
	}
	return m
}

// label is the vault's name as long as there are few.
func (m *metrics) label(vault string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.labels[vault] {
		return vault
	}
	if len(m.labels) >= maxLabels {
		return otherVaults
	}
	m.labels[vault] = true
	return vault
}

// lookup counts questions that are answered like this one.
func (m *metrics) lookup(q question, a *answer, cache string) prometheus.Counter {
	return m.lookups.WithLabelValues(m.label(q.vault), string(q.t), a.word(), cache)
}

func (m *metrics) call(v *vault, t Type, o outcome, took time.Duration) {
	what := o.word()
	m.calls.WithLabelValues(v.label, string(t), what).Inc()
	m.duration.WithLabelValues(what).Observe(took.Seconds())
}

// word is the outcome as a metric's label.
func (o outcome) word() string {
	switch {
	case o.reason != "":
		return string(o.reason)
	case o.absent:
		return outcomeAbsent
	default:
		return outcomeFound
	}
}
