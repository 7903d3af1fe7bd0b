package azure_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/issuertest"
	"akv-injector/e2e/azure/sdktest"
	"akv-injector/e2e/azure/vault"
)

const (
	vaultScope = "https://vault.azure.net/.default"
	subject    = "system:serviceaccount:payments:api"
	vaultName  = "payments-kv"
)

// fixture is Azure after the documented steps but the role assignment: a vault, an
// identity, and its federated credential for one service account of a cluster.
type fixture struct {
	*azure.Server
	issuer   *issuertest.Issuer
	identity arm.Identity
	client   *http.Client
}

func newFixture(t *testing.T, options azure.Options) *fixture {
	t.Helper()
	f := &fixture{issuer: issuertest.New(t)}
	options.IssuerCAs = f.issuer.Roots()
	server, err := azure.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	f.Server = server
	f.client = server.Client()
	t.Cleanup(f.client.CloseIdleConnections)

	if _, err := f.CreateVault("", vaultName); err != nil {
		t.Fatal(err)
	}
	if f.identity, err = f.CreateIdentity(arm.Identity{Name: "payments-id"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateFederatedCredential("", "payments-id", arm.FederatedCredential{
		Name: "cluster", Issuer: f.issuer.URL, Subject: subject,
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

// assign gives the fixture's identity a role at the vault, or at an object of it.
func (f *fixture) assign(t *testing.T, role, kind, name string) {
	t.Helper()
	scope, err := f.VaultScope(vaultName)
	if kind != "" {
		scope, err = f.ObjectScope(vaultName, kind, name)
	}
	if err == nil {
		_, err = f.AssignRole(role, f.identity.PrincipalID, scope)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) secret(t *testing.T, name, value string) (version string) {
	t.Helper()
	version, err := f.Vault().SetSecret(vaultName, name, value, vault.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// sdk returns the SDK's options.
func (f *fixture) sdk() policy.ClientOptions { return sdktest.Options(f.client, f.LoginEndpoint()) }

// credential returns a workload's credential; its token file contains the assertion.
func (f *fixture) credential(t *testing.T, tenant, client, assertion string) *azidentity.ClientAssertionCredential {
	t.Helper()
	return sdktest.Credential(t, f.sdk(), tenant, client, assertion)
}

// workload is the credential of the pod that everything is set up for.
func (f *fixture) workload(t *testing.T) *azidentity.ClientAssertionCredential {
	t.Helper()
	return f.credential(t, f.TenantID(), f.identity.ClientID, f.issuer.Token(t, f.issuer.Claims(subject)))
}

func (f *fixture) secrets(t *testing.T, credential azcore.TokenCredential) *azsecrets.Client {
	t.Helper()
	client, err := azsecrets.NewClient(f.VaultURL(vaultName), credential, &azsecrets.ClientOptions{ClientOptions: f.sdk()})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (f *fixture) keys(t *testing.T, credential azcore.TokenCredential) *azkeys.Client {
	t.Helper()
	client, err := azkeys.NewClient(f.VaultURL(vaultName), credential, &azkeys.ClientOptions{ClientOptions: f.sdk()})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (f *fixture) certificates(t *testing.T, credential azcore.TokenCredential) *azcertificates.Client {
	t.Helper()
	client, err := azcertificates.NewClient(f.VaultURL(vaultName), credential, &azcertificates.ClientOptions{ClientOptions: f.sdk()})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// status gives the HTTP status of an SDK's error, 200 of none.
func status(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return http.StatusOK
	}
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		t.Fatalf("want an answer of the service, got %v", err)
	}
	return response.StatusCode
}
