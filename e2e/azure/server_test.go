package azure_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/admin"
	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/vault"
)

func TestStartRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	running, err := azure.Start(t.Context(), azure.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = running.Stop() })
	for name, test := range map[string]struct {
		options azure.Options
		want    string
	}{
		"cloud":            {azure.Options{Cloud: "AzureMoonCloud"}, "there is no such cloud"},
		"tenant":           {azure.Options{TenantID: "contoso"}, `tenant "contoso": it must be a GUID`},
		"address":          {azure.Options{Address: "0.0.0.0"}, "must be one IPv4 address"},
		"port":             {azure.Options{HTTPSPort: 70000}, "HTTPS port 70000"},
		"port in use":      {azure.Options{HTTPSPort: int(running.HTTPSAddress().Port())}, "address already in use"},
		"DNS port in use":  {azure.Options{DNSPort: int(running.DNSAddress().Port())}, "listen for DNS"},
		"socket in use":    {azure.Options{AdminSocket: running.AdminSocket()}, "another server listens there"},
		"folder is a file": {azure.Options{Dir: file}, "not a directory"},
	} {
		server, err := azure.Start(t.Context(), test.options)
		if err == nil {
			_ = server.Stop()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: want …%s…, got %v", name, test.want, err)
		}
	}
	if _, err := admin.NewClient(running.AdminSocket()).Info(t.Context()); err != nil {
		t.Errorf("the one that ran first was harmed: %v", err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "admin.sock")
	server, err := azure.Start(t.Context(), azure.Options{AdminSocket: socket})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{socket, server.CAFile()} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if err := server.Resume(t.Context()); err == nil {
		t.Error("a server that was stopped resumed")
	}
}

// The admin API does from another process what the methods do; az uses it too.
func TestClient(t *testing.T) {
	f := newFixture(t, azure.Options{})
	c := admin.NewClient(f.AdminSocket())
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info != f.Info() || info.TenantID != f.TenantID() {
		t.Errorf("got %+v, want %+v", info, f.Info())
	}
	scope, err := f.ObjectScope(vaultName, "secrets", "DB-Password")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AssignRole(t.Context(), "", "Key Vault Secrets User", f.identity.ClientID, scope); err != nil {
		t.Fatal(err)
	}
	made, err := c.SetSecret(t.Context(), vaultName, "DB-Password", "hunter2", vault.Attributes{Tags: map[string]string{"team": "payments"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.secrets(t, f.workload(t)).GetSecret(t.Context(), "DB-Password", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if *got.Value != "hunter2" || got.ID.Version() != made.Version() || string(*got.ID) != made.ID {
		t.Errorf("the SDK reads %s, the client made %s", *got.ID, made.ID)
	}
	for what, err := range map[string]error{
		"an identity": c.DeleteIdentity(t.Context(), "", "nobody"),
		"a vault":     c.DeleteVault(t.Context(), "no-such-kv"),
		"a secret":    c.PurgeObject(t.Context(), vaultName, vault.Secret, "nothing"),
	} {
		var refusal *arm.Error
		if !errors.As(err, &refusal) || !strings.HasSuffix(refusal.Code, "NotFound") {
			t.Errorf("%s that is not there: %v", what, err)
		}
	}
}

// Neither the log nor the audit has an assertion, a token or a value.
func TestNothingSecretIsLogged(t *testing.T) {
	var log lockedBuffer
	f := newFixture(t, azure.Options{Log: &log})
	f.secret(t, "DB-Password", "a-very-secret-value")
	f.assign(t, "Key Vault Secrets User", "", "")
	assertion := f.issuer.Token(t, f.issuer.Claims(subject))
	credential := f.credential(t, f.TenantID(), f.identity.ClientID, assertion)
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vaultScope}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.secrets(t, credential).GetSecret(t.Context(), "DB-Password", "", nil); err != nil {
		t.Fatal(err)
	}
	audit, err := json.Marshal(f.Audit())
	if err != nil {
		t.Fatal(err)
	}
	signature := func(jwt string) string { return jwt[strings.LastIndex(jwt, ".")+1:] }
	for what, text := range map[string]string{"log": log.String(), "audit": string(audit)} {
		if !strings.Contains(text, "/secrets/DB-Password") {
			t.Errorf("the %s does not say what was read: %s", what, text)
		}
		for _, secret := range []string{"a-very-secret-value", signature(assertion), signature(token.Token)} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s has %s", what, secret)
			}
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}
