package serving

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// pairIn writes a self-signed pair, which is its own CA.
func pairIn(t *testing.T, name string) (certPath string, pair tls.Certificate) {
	t.Helper()
	dir := t.TempDir()
	writeCertificate(t, dir, name, time.Now().Add(time.Hour))
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, certFile), filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, certFile), pair
}

func TestClientsNeedACertificate(t *testing.T) {
	ca, own := pairIn(t, "apiserver")
	_, others := pairIn(t, "somebody")
	require, err := RequireClientCA(ca)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	require(server.TLS)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for name, tc := range map[string]struct {
		pairs []tls.Certificate
		ok    bool
	}{
		"the API server's":      {[]tls.Certificate{own}, true},
		"somebody's":            {[]tls.Certificate{others}, false},
		"no certificate at all": {nil, false},
	} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: tc.pairs, MinVersion: tls.VersionTLS13}}}
		response, err := client.Get(server.URL)
		if err == nil {
			response.Body.Close()
		}
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v, want an answer %t", name, err, tc.ok)
		}
	}
}

func TestUnusableClientCA(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".missing"} {
		if _, err := RequireClientCA(file); err == nil {
			t.Errorf("%s is taken", file)
		}
	}
}
