package serving

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"akv-injector/internal/testing/await"
)

// writeCertificate puts a certificate for loopback into dir, the way the kubelet
// does: both files at once, behind a link.
func writeCertificate(tb testing.TB, dir, name string, notAfter time.Time) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-2 * time.Hour),
		NotAfter:     notAfter,
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}

	version := filepath.Join(dir, "..version-"+name)
	if err := os.Mkdir(version, 0o755); err != nil {
		tb.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der},
		keyFile:  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(version, file), pem.EncodeToMemory(block), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	link(tb, "..version-"+name, filepath.Join(dir, "..data"))
	for _, file := range []string{certFile, keyFile} {
		link(tb, filepath.Join("..data", file), filepath.Join(dir, file))
	}
}

// link replaces a link in one step.
func link(tb testing.TB, target, path string) {
	tb.Helper()
	if err := os.Symlink(target, path+".new"); err != nil {
		tb.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		tb.Fatal(err)
	}
}

func runCertificate(tb testing.TB, dir string) *Certificate {
	tb.Helper()
	c := NewCertificate(dir, 20*time.Millisecond, logr.Discard())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Run(ctx)
	}()
	tb.Cleanup(func() { cancel(); <-done })
	return c
}

// eventually waits for a condition that needs no description of what was seen.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	poll := await.Poll{Limit: 10 * time.Second, Every: 5 * time.Millisecond}
	poll.Require(tb, what, func(context.Context) (bool, string) { return ok(), "false" })
}

func commonName(c *Certificate) string {
	cert, err := c.Get(&tls.ClientHelloInfo{})
	if err != nil {
		return ""
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return ""
	}
	return leaf.Subject.CommonName
}

func TestCertificateComesLate(t *testing.T) {
	dir := t.TempDir()
	c := runCertificate(t, dir)
	if err := c.Ready(nil); err == nil {
		t.Fatal("ready without a certificate")
	}
	eventually(t, "a reason that names the file", func() bool {
		err := c.Ready(nil)
		return err != nil && strings.Contains(err.Error(), filepath.Join(dir, certFile))
	})
	writeCertificate(t, dir, "first", time.Now().Add(time.Hour))
	eventually(t, "the certificate", func() bool { return c.Ready(nil) == nil && commonName(c) == "first" })
}

func TestCertificateIsReloaded(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "first", time.Now().Add(time.Hour))
	c := runCertificate(t, dir)
	eventually(t, "the first", func() bool { return commonName(c) == "first" })
	writeCertificate(t, dir, "second", time.Now().Add(time.Hour))
	eventually(t, "the second", func() bool { return commonName(c) == "second" })

	// A broken certificate does not replace a good one.
	before := failedReads(t)
	if err := os.WriteFile(filepath.Join(dir, "..data", certFile), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a failed read", func() bool { return failedReads(t) > before })
	if got := commonName(c); got != "second" {
		t.Errorf("certificate of %q", got)
	}
}

// failedReads is how often controller-runtime's watchers could not read a certificate.
func failedReads(tb testing.TB) float64 {
	tb.Helper()
	families, err := ctrlmetrics.Registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "certwatcher_read_certificate_errors_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	tb.Fatal("controller-runtime no longer counts certificates that cannot be read")
	return 0
}

func TestCertificateExpires(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "old", time.Now().Add(time.Hour))
	c := runCertificate(t, dir)
	eventually(t, "the certificate", func() bool { return c.Ready(nil) == nil })
	c.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if err := c.Ready(nil); err == nil || !strings.Contains(err.Error(), "expired at") {
		t.Errorf("after its end: %v", err)
	}
	c.now = func() time.Time { return time.Now().Add(-3 * time.Hour) }
	if err := c.Ready(nil); err == nil || !strings.Contains(err.Error(), "not valid before") {
		t.Errorf("before its beginning: %v", err)
	}
}

func TestCertificateMetric(t *testing.T) {
	dir := t.TempDir()
	c := runCertificate(t, dir)
	registry := prometheus.NewRegistry()
	registry.MustRegister(ExpiryMetric(c.Leaf))
	value := func() float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		return families[0].GetMetric()[0].GetGauge().GetValue()
	}
	if got := value(); got != 0 {
		t.Errorf("%v without a certificate", got)
	}
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	writeCertificate(t, dir, "first", end)
	eventually(t, "the metric", func() bool { return value() == float64(end.Unix()) })
}
