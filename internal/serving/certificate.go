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

// File names in a mounted kubernetes.io/tls Secret.
const (
	certFile = "tls.crt"
	keyFile  = "tls.key"
)

// Certificate is the serving certificate in a folder. It is reloaded when the files
// change. Missing files are waited for: cert-manager, or an operator, may write them after
// the program has started, and a readiness probe that names the missing file says more
// than a program that restarts again and again.
type Certificate struct {
	dir string
	// retry is how long to wait before missing or unusable files are read again. Files in
	// use are read again as often, in case the file system reports no change.
	retry time.Duration
	log   logr.Logger
	now   func() time.Time

	mu      sync.RWMutex
	watcher *certwatcher.CertWatcher
	// problem is why the files could not be loaded, or nil.
	problem error
}

// NewCertificate returns the certificate in dir. Run loads it.
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
			// Start fails only if the files cannot be watched. The certificate stays loaded.
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

// set stores the outcome of loading. Without a new watcher, the last one stays, and with
// it the last good certificate.
func (c *Certificate) set(watcher *certwatcher.CertWatcher, problem error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if watcher != nil {
		c.watcher = watcher
	}
	c.problem = problem
}

// Get returns the loaded certificate. It has the signature of tls.Config.GetCertificate.
func (c *Certificate) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.RLock()
	watcher, problem := c.watcher, c.problem
	c.mu.RUnlock()
	if watcher == nil {
		return nil, fmt.Errorf("no serving certificate in %s: %w", c.dir, problem)
	}
	return watcher.GetCertificate(hello)
}

// Leaf returns the loaded certificate without its chain.
func (c *Certificate) Leaf() (*x509.Certificate, error) {
	cert, err := c.Get(nil)
	if err != nil {
		return nil, err
	}
	if cert.Leaf != nil {
		return cert.Leaf, nil
	}
	return x509.ParseCertificate(cert.Certificate[0])
}

// Ready is a readiness check: the certificate is loaded and valid now. The API server
// refuses to talk to a server with any other.
func (c *Certificate) Ready(*http.Request) error {
	leaf, err := c.Leaf()
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

// ExpiryMetric returns a gauge with the time when a certificate expires, 0 while none is loaded.
func ExpiryMetric(leaf func() (*x509.Certificate, error)) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "akv_injector_certificate_expiry_timestamp_seconds",
		Help: "Unix time when the serving certificate expires; 0 while none is loaded.",
	}, func() float64 {
		served, err := leaf()
		if err != nil {
			return 0
		}
		return float64(served.NotAfter.Unix())
	})
}
