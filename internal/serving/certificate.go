package serving

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// Names of the files of a kubernetes.io/tls Secret.
const (
	certFile = "tls.crt"
	keyFile  = "tls.key"
)

// Certificate is the serving certificate in a folder. It is loaded anew when the
// files change, and waited for when they are not there yet: whoever writes them
// (cert-manager, an operator) may come later than we do, and restarting over and
// over would say less than a readiness probe that names the missing file.
type Certificate struct {
	dir string
	// retry is how long to wait before looking again for files that are missing or
	// unusable, and the longest time until a change is seen that the file system does
	// not tell.
	retry time.Duration
	log   logr.Logger
	now   func() time.Time

	mu      sync.RWMutex
	watcher *certwatcher.CertWatcher
	// problem says why there is no watcher.
	problem error
}

// NewCertificate returns the certificate in dir, which Run loads.
func NewCertificate(dir string, retry time.Duration, log logr.Logger) *Certificate {
	return &Certificate{
		dir: dir, retry: retry, log: log, now: time.Now,
		problem: errors.New("not loaded yet"),
	}
}

// Run loads the certificate and keeps it up to date until ctx is done.
func (c *Certificate) Run(ctx context.Context) {
	for ctx.Err() == nil {
		watcher, err := certwatcher.New(filepath.Join(c.dir, certFile), filepath.Join(c.dir, keyFile))
		if err == nil {
			c.set(watcher, nil)
			// An error is about watching. The certificate that is loaded stays.
			err = watcher.WithWatchInterval(c.retry).Start(ctx)
		} else {
			c.set(nil, err)
		}
		if err != nil && ctx.Err() == nil {
			c.log.Error(err, "no serving certificate; looking again", "dir", c.dir, "in", c.retry.String())
		}
		select {
		case <-ctx.Done():
		case <-time.After(c.retry):
		}
	}
}

// set keeps the last watcher, and with it the last good certificate, where there is
// no new one.
func (c *Certificate) set(watcher *certwatcher.CertWatcher, problem error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if watcher != nil {
		c.watcher = watcher
	}
	c.problem = problem
}

// Get is for tls.Config.GetCertificate.
func (c *Certificate) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.RLock()
	watcher, problem := c.watcher, c.problem
	c.mu.RUnlock()
	if watcher == nil {
		return nil, fmt.Errorf("no serving certificate in %s: %w", c.dir, problem)
	}
	return watcher.GetCertificate(hello)
}

// leaf is the loaded certificate itself.
func (c *Certificate) leaf() (*x509.Certificate, error) {
	cert, err := c.Get(nil)
	if err != nil {
		return nil, err
	}
	if cert.Leaf != nil {
		return cert.Leaf, nil
	}
	return x509.ParseCertificate(cert.Certificate[0])
}

// Ready is a readiness check: the certificate is loaded and valid now. With another
// the API server would only fail to call us.
func (c *Certificate) Ready(*http.Request) error {
	leaf, err := c.leaf()
	if err != nil {
		return err
	}
	switch now := c.now(); {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("the serving certificate in %s expired at %s; renew it", c.dir, leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("the serving certificate in %s is not valid before %s; is a clock wrong?", c.dir, leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// Metric is the time when the certificate expires, 0 as long as there is none.
func (c *Certificate) Metric() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "akv_injector_certificate_expiry_timestamp_seconds",
		Help: "Unix time when the serving certificate expires; 0 while none is loaded.",
	}, func() float64 {
		leaf, err := c.leaf()
		if err != nil {
			return 0
		}
		return float64(leaf.NotAfter.Unix())
	})
}
