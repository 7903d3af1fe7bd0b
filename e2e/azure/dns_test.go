package azure_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"

	"akv-injector/e2e/azure"
)

func resolver(f *fixture, network string) *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, f.DNSAddress().String())
	}}
}

func TestDNS(t *testing.T) {
	f := newFixture(t, azure.Options{})
	there := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	for _, network := range []string{"udp", "tcp"} {
		for host, want := range map[string][]netip.Addr{
			"login.microsoftonline.com.":                              there,
			"login.microsoft.com.":                                    there,
			"login.microsoftonline.us.":                               there,
			vaultName + ".vault.azure.net.":                           there,
			"PAYMENTS-kv.Vault.Azure.NET.":                            there,
			"other-kv.vault.azure.net.":                               nil,
			"vault.azure.net.":                                        nil,
			"a.payments-kv.vault.azure.net.":                          nil,
			vaultName + ".vault.usgovcloudapi.net.":                   nil, // a vault is in one cloud
			"example.com.":                                            nil,
			vaultName + ".vault.azure.net.default.svc.cluster.local.": nil, // a search list
		} {
			t.Run(network+" "+host, func(t *testing.T) {
				got, err := resolver(f, network).LookupNetIP(t.Context(), "ip", host)
				if !slices.Equal(got, want) {
					t.Errorf("want %v, got %v %v", want, got, err)
				}
				var missing *net.DNSError
				if want == nil && (!errors.As(err, &missing) || !missing.IsNotFound) {
					t.Errorf("want that there is no such host, got %v", err)
				}
			})
		}
	}

	if _, err := f.CreateVault("", "other-kv"); err != nil {
		t.Fatal(err)
	}
	if _, err := resolver(f, "udp").LookupHost(t.Context(), "other-kv.vault.azure.net."); err != nil {
		t.Errorf("a vault that has been made: %v", err)
	}
	if err := f.DeleteVault("other-kv"); err != nil {
		t.Fatal(err)
	}
	if _, err := resolver(f, "udp").LookupHost(t.Context(), "other-kv.vault.azure.net."); err == nil {
		t.Error("a vault that has been deleted still resolves")
	}
}
