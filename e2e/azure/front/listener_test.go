package front_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"syscall"
	"testing"

	"akv-injector/e2e/azure/front"
)

const host = "login.microsoftonline.com"

// fixture is a listener that serves one host, and a client of it.
type fixture struct {
	*front.Listener
	authority *front.Authority
	client    *http.Client
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	authority, err := front.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true, // or a faulty certificate is not looked at
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return authority.Certificate(hello.ServerName)
		},
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
	f := &fixture{authority: authority}
	f.Listener = front.New(handler, config, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 0))
	if err := f.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	f.client = &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: authority.Pool(), ServerName: host},
		ForceAttemptHTTP2: true,
	}}
	t.Cleanup(f.client.CloseIdleConnections)
	return f
}

func (f *fixture) get(t *testing.T) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+f.Addr().String()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := f.client.Do(request)
	if err == nil {
		response.Body.Close()
	}
	return err
}

// While it is shut, connections are refused; then it is back at the same port.
func TestShut(t *testing.T) {
	f := newFixture(t)
	address := f.Addr()
	for range 2 {
		if err := f.get(t); err != nil {
			t.Fatal(err)
		}
		for range 2 { // shutting it twice is no error
			if err := f.Shut(); err != nil {
				t.Fatal(err)
			}
		}
		f.client.CloseIdleConnections() // or the first to fail is one that was broken
		if err := f.get(t); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("want a refused connection, got %v", err)
		}
		if err := f.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := f.get(t); err == nil {
			t.Error("it was reopened though it was shut")
		}
		for range 2 { // and so is opening it twice
			if err := f.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if f.Addr() != address {
			t.Errorf("it came back at %s, was at %s", f.Addr(), address)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Open(t.Context()); err == nil {
		t.Error("a closed listener listens again")
	}
}

// Reopening breaks the connections that clients have, so that they see a new fault.
func TestCertificateFaults(t *testing.T) {
	f := newFixture(t)
	if err := f.get(t); err != nil {
		t.Fatal(err)
	}
	for fault, is := range map[front.CertificateFault]func(error) bool{
		front.CertificateUnknownAuthority: func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) },
		front.CertificateWrongHost:        func(err error) bool { return errors.As(err, new(x509.HostnameError)) },
		front.CertificateExpired: func(err error) bool {
			var invalid x509.CertificateInvalidError
			return errors.As(err, &invalid) && invalid.Reason == x509.Expired
		},
		front.CertificateGood: func(err error) bool { return err == nil },
	} {
		f.authority.SetFault(fault)
		if err := f.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.client.CloseIdleConnections()
		if err := f.get(t); !is(err) {
			t.Errorf("%q: got %v", fault, err)
		}
	}
}
