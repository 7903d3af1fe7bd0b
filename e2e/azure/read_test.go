package azure_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/entra"
	"akv-injector/e2e/azure/vault"
)

func TestWorkloadReadsAllKindsOfObjects(t *testing.T) {
	f := newFixture(t, azure.Options{})
	f.secret(t, "DB-Password", "hunter2")
	if _, err := f.Vault().CreateKey(vaultName, "signing", "RSA", vault.Attributes{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Vault().CreateCertificate(vaultName, "frontend", "CN=frontend.example", vault.Attributes{}); err != nil {
		t.Fatal(err)
	}
	f.assign(t, "Key Vault Certificate User", "", "")
	credential := f.workload(t)

	secret, err := f.secrets(t, credential).GetSecret(t.Context(), "DB-Password", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if *secret.Value != "hunter2" {
		t.Errorf("the secret is %q", *secret.Value)
	}
	if _, err := f.keys(t, credential).GetKey(t.Context(), "signing", "", nil); err != nil {
		t.Error(err)
	}
	if _, err := f.certificates(t, credential).GetCertificate(t.Context(), "frontend", "", nil); err != nil {
		t.Error(err)
	}

	requests := f.TokenRequests()
	if len(requests) != 1 {
		t.Fatalf("want one token for all three clients, got %d requests", len(requests))
	}
	got := requests[0]
	got.Time = got.Time.UTC().Truncate(0)
	want := entra.TokenRequest{
		Time: got.Time, Host: "login.microsoftonline.com", Tenant: f.TenantID(), ClientID: f.identity.ClientID,
		Scope: got.Scope, Issuer: f.issuer.URL, Subject: subject, Audience: arm.DefaultAudience,
		Outcome: "ok", Status: http.StatusOK,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("token log (-want +got):\n%s", diff)
	}
	for _, call := range f.Audit().VaultCalls {
		if call.Status == http.StatusOK && call.Principal != f.identity.PrincipalID {
			t.Errorf("%s %s was answered to %q, want %s", call.Method, call.Path, call.Principal, f.identity.PrincipalID)
		}
	}
}

// The injected environment of a pod, and the token in a file.
func TestWorkloadIdentityCredential(t *testing.T) {
	f := newFixture(t, azure.Options{})
	f.secret(t, "DB-Password", "hunter2")
	f.assign(t, "Key Vault Secrets User", "", "")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(f.issuer.Token(t, f.issuer.Claims(subject))), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AZURE_TENANT_ID", f.TenantID())
	t.Setenv("AZURE_CLIENT_ID", f.identity.ClientID)
	t.Setenv("AZURE_FEDERATED_TOKEN_FILE", file)
	credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: f.sdk()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.secrets(t, credential).GetSecret(t.Context(), "DB-Password", "", nil); err != nil {
		t.Error(err)
	}
}

func TestSovereignCloud(t *testing.T) {
	for name, test := range map[string]struct{ login, suffix string }{
		string(cloud.USGovernment): {"https://login.microsoftonline.us", ".vault.usgovcloudapi.net/"},
		string(cloud.China):        {"https://login.chinacloudapi.cn", ".vault.azure.cn/"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, azure.Options{Cloud: cloud.Name(name)})
			if f.LoginEndpoint() != test.login || !strings.HasSuffix(f.VaultURL(vaultName), test.suffix) {
				t.Errorf("it is at %s and %s", f.LoginEndpoint(), f.VaultURL(vaultName))
			}
			f.secret(t, "DB-Password", "hunter2")
			f.assign(t, "Key Vault Secrets User", "", "")
			if _, err := f.secrets(t, f.workload(t)).GetSecret(t.Context(), "DB-Password", "", nil); err != nil {
				t.Error(err)
			}
		})
	}
}
