package certificates

import "github.com/prometheus/client_golang/prometheus"

// Metric returns a gauge with the time when the CA that signs expires, 0 while there is none.
func (f *Follower) Metric() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "akv_injector_certificate_ca_expiry_timestamp_seconds",
		Help: "Unix time when the CA of its own expires that signs serving certificates; 0 while there is none. Only with --certificate-secret.",
	}, func() float64 {
		f.mu.RLock()
		defer f.mu.RUnlock()
		if f.caEnds.IsZero() {
			return 0
		}
		return float64(f.caEnds.Unix())
	})
}
