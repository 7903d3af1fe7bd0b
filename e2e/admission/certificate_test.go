package admission_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"akv-injector/e2e/controlplane"
)

// A certificate that cert-manager renews is served without a restart, and a broken one not
// at all.
func certificateIsReloaded(t *testing.T, s *system) {
	replica := s.Injector.Replicas()[0]
	pid := replica.Process().Pid()
	serves := func(serial string) {
		t.Helper()
		soon.Require(t, "a handshake with the certificate "+serial, func(context.Context) (bool, string) {
			got, err := s.serial(t, replica)
			return err == nil && got == serial, fmt.Sprint(got, err)
		})
	}
	renew := func(name string) (*controlplane.KeyPair, string) {
		t.Helper()
		pair, err := s.ServingCertificate(name, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		return pair, serialOf(t, pair.Cert)
	}
	write := func(pair *controlplane.KeyPair) {
		t.Helper()
		if err := s.Injector.WriteCertificate(pair); err != nil {
			t.Fatal(err)
		}
	}

	second, secondSerial := renew("second")
	write(second)
	serves(secondSerial)

	// A file that is no certificate, and a key that is another's.
	third, thirdSerial := renew("third")
	for name, broken := range map[string]*controlplane.KeyPair{
		"no certificate":    {Cert: []byte("-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"), Key: second.Key},
		"another's key":     {Cert: second.Cert, Key: third.Key},
		"nothing in either": {},
	} {
		failures := s.reloadFailures(t.Context(), t)
		write(broken)
		soon.Require(t, "a failure to reload: "+name, func(ctx context.Context) (bool, string) {
			now := s.reloadFailures(ctx, t)
			return now != failures, "as many as before: " + now
		})
		if got, err := s.serial(t, replica); err != nil || got != secondSerial {
			t.Errorf("%s: the handshake shows %s, %v; want the old one, %s", name, got, err, secondSerial)
		}
		if ready, answer := replica.Ready(t.Context()); !ready {
			t.Errorf("%s: not ready with a good certificate loaded: %s", name, answer)
		}
	}

	write(third)
	serves(thirdSerial)
	namespace := s.namespace(t)
	s.mustAdmit(t, request{namespace: namespace, pod: askingPod("asking")})
	if now := replica.Process().Pid(); now != pid {
		t.Errorf("the program was restarted: %d, before %d", now, pid)
	}
}

// reloadFailures counts by controller-runtime's own metric.
func (s *system) reloadFailures(ctx context.Context, t *testing.T) string {
	t.Helper()
	const name = "certwatcher_read_certificate_errors_total "
	metrics, err := s.Injector.Replicas()[0].Metrics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(metrics) {
		if count, ok := strings.CutPrefix(line, name); ok {
			return count
		}
	}
	t.Fatalf("no metric %s", name)
	return ""
}

func serialOf(t *testing.T, text []byte) string {
	t.Helper()
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert.SerialNumber.String()
}
