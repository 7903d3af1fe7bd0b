package events

import "github.com/prometheus/client_golang/prometheus"

// Metrics of events. No label carries a name from outside.
type Metrics struct {
	events *prometheus.CounterVec
	polls  *prometheus.CounterVec
	posts  *prometheus.CounterVec
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_rotation_events_total",
			Help: "Events of Key Vault that came by queue or endpoint, by result: hint (of a new version), other (of no use here), or unreadable.",
		}, []string{"result"}),
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_rotation_queue_polls_total",
			Help: "Calls that take events from the storage queue, by result: answered or failed.",
		}, []string{"result"}),
		posts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_rotation_deliveries_total",
			Help: "Deliveries to the endpoint for events, by result: taken, handed on (to the replica that leads), refused (no valid token, or no event), or nobody (no replica leads; Event Grid tries again).",
		}, []string{"result"}),
	}
	for _, result := range []string{hint, other, unreadable} {
		m.events.WithLabelValues(result)
	}
	registry.MustRegister(m.events, m.polls, m.posts)
	return m
}

// Results of reading a message.
const (
	hint       = "hint"
	other      = "other"
	unreadable = "unreadable"
)

// count counts what Parse has returned for a message.
func (m *Metrics) count(hints []Hint, err error) {
	result := other
	switch {
	case err != nil:
		result = unreadable
	case len(hints) > 0:
		result = hint
	}
	m.events.WithLabelValues(result).Inc()
}
