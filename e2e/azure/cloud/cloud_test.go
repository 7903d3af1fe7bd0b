package cloud_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"akv-injector/e2e/azure/cloud"
)

func TestVaultOf(t *testing.T) {
	public, _ := cloud.Public.Hosts()
	for host, want := range map[string]string{
		"payments-kv.vault.azure.net":                           "payments-kv",
		"vault.azure.net":                                       "",
		".vault.azure.net":                                      "",
		"a.payments-kv.vault.azure.net":                         "",
		"payments-kv.vault.usgovcloudapi.net":                   "",
		"payments-kv.vault.azure.net.default.svc.cluster.local": "",
	} {
		if got, ok := public.VaultOf(host); ok != (want != "") || ok && got != want {
			t.Errorf("%s: got %q %t, want %q", host, got, ok, want)
		}
	}
}

// No cloud has a host of another: a host name alone says where a request belongs.
func TestHostsAreOfOneCloud(t *testing.T) {
	seen := map[string]cloud.Name{}
	for _, name := range []cloud.Name{cloud.Public, cloud.USGovernment, cloud.China, cloud.German} {
		hosts, ok := name.Hosts()
		if !ok {
			t.Fatalf("there is no cloud %s", name)
		}
		for _, host := range append(hosts.Login, hosts.VaultSuffix) {
			if other, ok := seen[host]; ok {
				t.Errorf("%s is a host of %s and of %s", host, name, other)
			}
			seen[host] = name
		}
		for _, host := range hosts.Login {
			if !cloud.IsLogin(host) {
				t.Errorf("%s is not Entra ID of any cloud", host)
			}
		}
	}
	if _, ok := cloud.Name("AzureMoonCloud").Hosts(); ok || cloud.IsLogin("login.example.com") {
		t.Error("a cloud that does not exist has hosts")
	}
	if suffixes := cloud.VaultSuffixes(); len(suffixes) != 4 {
		t.Errorf("the clouds have the suffixes %v", suffixes)
	}
}

func TestHostOf(t *testing.T) {
	for header, want := range map[string]string{
		"Payments-KV.vault.azure.net":      "payments-kv.vault.azure.net",
		"payments-kv.vault.azure.net:8443": "payments-kv.vault.azure.net",
		"payments-kv.vault.azure.net.":     "payments-kv.vault.azure.net",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host = header
		if got := cloud.HostOf(r); got != want {
			t.Errorf("%s: got %s, want %s", header, got, want)
		}
	}
}
