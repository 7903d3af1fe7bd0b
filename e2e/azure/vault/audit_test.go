package vault_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure/vault"
)

func TestAuditHasEveryCall(t *testing.T) {
	s := newStand(t)
	s.addSecret(t, "one", "hunter2") // the Go API makes no calls
	client := s.secrets(t)
	if _, err := client.GetSecret(t.Context(), "one", "", nil); err != nil {
		t.Fatal(err)
	}
	s.deny("Microsoft.KeyVault/vaults/secrets/readMetadata/action")
	if _, err := client.NewListSecretPropertiesPager(nil).NextPage(t.Context()); err == nil {
		t.Fatal("want a refusal")
	}
	s.send(t, http.MethodPut, "/secrets/two?api-version=7.4", `{"value":"correct horse"}`, nil)
	s.send(t, http.MethodGet, "/nothing?api-version=7.4&secret=battery", "", nil)
	s.send(t, http.MethodGet, "/secrets/one?api-version=7.4", "", http.Header{"Authorization": {"Bearer stolen"}})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://no-such.vault.azure.net/secrets", nil)
	s.ServeHTTP(httptest.NewRecorder(), r)

	const actions = "Microsoft.KeyVault/vaults/secrets/"
	want := []vault.Call{
		{Time: start, Vault: "demo-kv", Method: "GET", Path: "/secrets/one/", Action: actions + "getSecret/action", Object: "secrets/one", Status: 401},
		{Time: start, Vault: "demo-kv", Method: "GET", Path: "/secrets/one/", Principal: principal, Action: actions + "getSecret/action", Object: "secrets/one", Status: 200},
		{Time: start, Vault: "demo-kv", Method: "GET", Path: "/secrets", Principal: principal, Action: actions + "readMetadata/action", Status: 403},
		{Time: start, Vault: "demo-kv", Method: "PUT", Path: "/secrets/two", Principal: principal, Action: actions + "setSecret/action", Object: "secrets/two", Status: 200},
		{Time: start, Vault: "demo-kv", Method: "GET", Path: "/nothing", Principal: principal, Status: 404},
		{Time: start, Vault: "demo-kv", Method: "GET", Path: "/secrets/one", Action: actions + "getSecret/action", Object: "secrets/one", Status: 401},
		{Time: start, Vault: "no-such", Method: "GET", Path: "/secrets", Action: actions + "readMetadata/action", Status: 404},
	}
	if diff := cmp.Diff(want, s.Audit()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	written, err := json.Marshal(s.Audit())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "correct horse", "battery", token, "stolen"} {
		if strings.Contains(string(written), secret) {
			t.Errorf("the audit has %q", secret)
		}
	}
	s.ClearAudit()
	if got := s.Audit(); len(got) != 0 {
		t.Errorf("cleared, it has %+v", got)
	}
}

func TestAuditForgetsTheOldest(t *testing.T) {
	s := newStand(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://demo-kv.vault.azure.net/first", nil)
	s.ServeHTTP(httptest.NewRecorder(), r)
	r.URL.Path = "/following"
	for range 100_001 {
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
	r.URL.Path = "/last"
	s.ServeHTTP(httptest.NewRecorder(), r)
	calls := s.Audit()
	if len(calls) != 100_000 || calls[0].Path != "/following" || calls[99_998].Path != "/following" || calls[99_999].Path != "/last" {
		t.Errorf("%d calls, from %s to %s", len(calls), calls[0].Path, calls[len(calls)-1].Path)
	}
}
