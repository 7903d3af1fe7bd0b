package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/workload"
)

// Metrics of the admission handlers. No label carries a name from the cluster:
// the number of series is bounded by the program.
type Metrics struct {
	requests    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	findings    *prometheus.CounterVec
	classWrites *prometheus.CounterVec
	vaultWait   prometheus.Histogram
}

// NewMetrics makes the metrics and registers them.
func NewMetrics(registry prometheus.Registerer, version string) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_admission_requests_total",
			Help: "Admission requests by path, operation, and outcome: injected, unchanged, warned, refused, skipped (not for akv-injector), error (failurePolicy decided).",
		}, []string{"path", "operation", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "akv_injector_admission_duration_seconds",
			Help: "Time to answer an admission request, lookups and the writing of classes included.",
			// From a cached answer to the longest that the API server waits.
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"path"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_findings_total",
			Help: "Findings by rule, severity, the object's kind, and outcome: refused, warned, or controller (warned of on an object that a controller made, where a template was the place to refuse).",
		}, []string{"rule", "severity", "kind", "outcome"}),
		classWrites: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "akv_injector_class_writes_total",
			Help: "SecretProviderClasses that admission asked for, by what came of it: unchanged, created, rewritten, unmarked, refused, failed.",
		}, []string{"result"}),
	}
	m.vaultWait = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "akv_injector_vault_check_duration_seconds",
		Help:    "Time that an admission request waited for vaults, where the cache did not know all answers.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "akv_injector_build_info",
		Help:        "Always 1; the label says which version runs.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	registry.MustRegister(m.requests, m.duration, m.findings, m.classWrites, m.vaultWait, build)
	return m
}

func (m *Metrics) observe(e *exchange, took time.Duration) {
	m.requests.WithLabelValues(e.path, operationOf(e.request), string(e.outcome)).Inc()
	m.duration.WithLabelValues(e.path).Observe(took.Seconds())
	// The mutating webhook finds the same again; the last word on a pod is counted.
	for _, f := range e.findings {
		// There are none unless the object was read, which only known kinds are.
		m.findings.WithLabelValues(ruleID(f), string(f.Severity), e.object.kind.Kind, findingOutcome(e, f)).Inc()
	}
}

func findingOutcome(e *exchange, f finding.Finding) string {
	switch {
	case f.Severity == finding.Error:
		return "refused"
	case originOf(e.request.UserInfo, e.object) != workload.FromUser:
		return "controller"
	default:
		return "warned"
	}
}

// operationOf is the request's operation, if it is one that the API server sends:
// whoever else reaches the port must not be able to make up series.
func operationOf(req *admissionv1.AdmissionRequest) string {
	if req == nil {
		return "unknown"
	}
	switch req.Operation {
	case admissionv1.Create, admissionv1.Update, admissionv1.Delete, admissionv1.Connect:
		return string(req.Operation)
	}
	return "unknown"
}
