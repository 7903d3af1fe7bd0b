package admission_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"testing"
	"time"

	"akv-injector/e2e/injector"
)

// clientTLS trusts the run's CA.
func (s *system) clientTLS(t *testing.T) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatalf("no certificate in %s", s.CAFile)
	}
	return &tls.Config{RootCAs: roots}
}

// httpClient calls a replica as an API server would.
func (s *system) httpClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: s.clientTLS(t), MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// serial is the serving certificate's, as a handshake shows it.
func (s *system) serial(t *testing.T, r *injector.Replica) (string, error) {
	t.Helper()
	conn, err := tls.Dial("tcp", r.Address(), s.clientTLS(t))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for version, good := range map[uint16]bool{tls.VersionTLS13: true, tls.VersionTLS12: false, tls.VersionTLS11: false} {
		config := s.clientTLS(t)
		config.MinVersion, config.MaxVersion = version, version
		conn, err := tls.Dial("tcp", s.Injector.Replicas()[0].Address(), config)
		if (err == nil) != good {
			t.Errorf("%s: %v, want it taken: %t", tls.VersionName(version), err, good)
		}
		if err == nil {
			conn.Close()
		}
	}
}
