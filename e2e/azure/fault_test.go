package azure_test

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/front"
)

func TestPauseKeepsEverything(t *testing.T) {
	f := newFixture(t, azure.Options{})
	version := f.secret(t, "DB-Password", "hunter2")
	f.assign(t, "Key Vault Secrets User", "", "")
	secrets := f.secrets(t, f.workload(t))
	if _, err := secrets.GetSecret(t.Context(), "DB-Password", "", nil); err != nil {
		t.Fatal(err)
	}
	address := f.HTTPSAddress()
	for range 2 { // a second pause is none
		if err := f.Pause(); err != nil {
			t.Fatal(err)
		}
		f.client.CloseIdleConnections() // or the first to fail is one that was broken
		if _, err := secrets.GetSecret(t.Context(), "DB-Password", "", nil); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("want a refused connection, got %v", err)
		}
	}
	for range 2 {
		if err := f.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if f.HTTPSAddress() != address {
		t.Errorf("it came back at %s, was at %s", f.HTTPSAddress(), address)
	}
	got, err := secrets.GetSecret(t.Context(), "DB-Password", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID.Version() != version || *got.Value != "hunter2" {
		t.Errorf("after the pause the secret is %v", *got.ID)
	}
}

func TestCertificateFaults(t *testing.T) {
	f := newFixture(t, azure.Options{})
	f.secret(t, "DB-Password", "hunter2")
	f.assign(t, "Key Vault Secrets User", "", "")
	secrets := f.secrets(t, f.workload(t))
	read := func() error {
		_, err := secrets.GetSecret(t.Context(), "DB-Password", "", nil)
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	for fault, is := range map[front.CertificateFault]func(error) bool{
		front.CertificateUnknownAuthority: func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) },
		front.CertificateWrongHost:        func(err error) bool { return errors.As(err, new(x509.HostnameError)) },
		front.CertificateExpired: func(err error) bool {
			var invalid x509.CertificateInvalidError
			return errors.As(err, &invalid) && invalid.Reason == x509.Expired
		},
	} {
		if err := f.SetCertificateFault(t.Context(), fault); err != nil {
			t.Fatal(err)
		}
		f.client.CloseIdleConnections()
		if err := read(); !is(err) {
			t.Errorf("%s: got %v", fault, err)
		}
	}
	if err := f.SetCertificateFault(t.Context(), front.CertificateGood); err != nil {
		t.Fatal(err)
	}
	f.client.CloseIdleConnections()
	if err := read(); err != nil {
		t.Error(err)
	}
	if err := f.SetCertificateFault(t.Context(), "rotten"); err == nil {
		t.Error("a fault that is none was taken")
	}
}

// The server has no certificate for a host that is not its own.
func TestOtherHostsAreNotServed(t *testing.T) {
	f := newFixture(t, azure.Options{})
	for _, host := range []string{"example.com", vaultName + ".vault.usgovcloudapi.net"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := f.client.Do(request)
		if err == nil {
			response.Body.Close()
			t.Errorf("%s answers %s", host, response.Status)
		}
		if err != nil && !strings.Contains(err.Error(), "tls:") {
			t.Errorf("%s: want a refusal by TLS, got %v", host, err)
		}
	}
	// A vault that does not exist is not found, as by DNS.
	var missing *net.DNSError
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://other-kv.vault.azure.net/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := f.client.Do(request)
	if err == nil {
		response.Body.Close()
	}
	if !errors.As(err, &missing) || !missing.IsNotFound {
		t.Errorf("want that there is no such host, got %v", err)
	}
}

func TestVaultFault(t *testing.T) {
	f := newFixture(t, azure.Options{})
	f.secret(t, "DB-Password", "hunter2")
	f.assign(t, "Key Vault Secrets User", "", "")
	if err := f.SetVaultFault(vaultName, &faults.Fault{Status: http.StatusTooManyRequests, Times: 1}); err != nil {
		t.Fatal(err)
	}
	secrets := f.secrets(t, f.workload(t))
	if _, err := secrets.GetSecret(t.Context(), "DB-Password", "", nil); status(t, err) != http.StatusTooManyRequests {
		t.Errorf("want 429, got %v", err)
	}
	if _, err := secrets.GetSecret(t.Context(), "DB-Password", "", nil); err != nil {
		t.Error(err)
	}
	if err := f.SetVaultFault("no-such-kv", nil); err == nil {
		t.Error("a vault that does not exist has a fault")
	}
}
