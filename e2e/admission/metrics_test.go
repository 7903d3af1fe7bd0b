package admission_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"akv-injector/e2e/injector"
)

// calls is how often the API server has called our webhooks, by its own metrics. Both
// are asked: one counts requests, the other times every webhook's admission.
func (s *system) calls(t *testing.T, webhooks ...string) float64 {
	t.Helper()
	metrics, err := s.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	requests, timed := 0.0, 0.0
	for _, w := range webhooks {
		label := `name="` + w + `"`
		requests += sum(t, metrics, "apiserver_admission_webhook_request_total", label)
		timed += sum(t, metrics, "apiserver_admission_webhook_admission_duration_seconds_count", label)
	}
	return max(requests, timed)
}

// allCalls are those of all our webhooks.
func (s *system) allCalls(t *testing.T) float64 {
	t.Helper()
	return s.calls(t, injector.Mutating, injector.Asking, injector.Handwritten)
}

// sum adds up the series of a metric in Prometheus' text format that have a label.
func sum(t *testing.T, metrics, name, label string) float64 {
	t.Helper()
	total := 0.0
	for line := range strings.Lines(metrics) {
		labels, found := strings.CutPrefix(line, name+"{")
		if !found {
			continue
		}
		labels, value, found := strings.Cut(strings.TrimSpace(labels), "} ")
		if !found || !strings.Contains(labels, label) {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("metric %s: %v", line, err)
		}
		total += number
	}
	return total
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
