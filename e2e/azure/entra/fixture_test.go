package entra_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/google/uuid"

	"akv-injector/e2e/azure/arm"
	azurecloud "akv-injector/e2e/azure/cloud"
	"akv-injector/e2e/azure/entra"
	"akv-injector/e2e/azure/issuertest"
	"akv-injector/e2e/azure/sdktest"
)

const (
	vaultScope = "https://vault.azure.net/.default"
	subject    = "system:serviceaccount:payments:api"
)

// fixture is an Entra ID with one identity, "payments-id", and its federated credential
// for one service account of a cluster.
type fixture struct {
	*entra.Service
	*arm.Subscription
	tenant   string
	issuer   *issuertest.Issuer
	identity arm.Identity
	client   *http.Client // for every host name, over TLS
}

func newFixture(t *testing.T, change func(*entra.Config)) *fixture {
	t.Helper()
	hosts, ok := azurecloud.Public.Hosts()
	if !ok {
		t.Fatal("the public cloud has no hosts")
	}
	f := &fixture{tenant: uuid.NewString(), issuer: issuertest.New(t)}
	f.Subscription = arm.New(hosts, f.tenant)
	config := entra.Config{
		Cloud: hosts, Tenants: []string{f.tenant}, Subscription: f.Subscription,
		IssuerCAs: f.issuer.Roots(), Now: time.Now,
	}
	if change != nil {
		change(&config)
	}
	var err error
	if f.Service, err = entra.New(config); err != nil {
		t.Fatal(err)
	}
	f.client = serve(t, f.Service)
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

// serve serves Entra ID over TLS, and returns a client that reaches it under every host
// name.
func serve(t *testing.T, handler http.Handler) *http.Client {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true // the SDKs use it
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "example.com"}, // which httptest's certificate is for
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// sdk returns the SDK's options.
func (f *fixture) sdk() policy.ClientOptions {
	return sdktest.Options(f.client, "https://login.microsoftonline.com")
}

// credential returns a workload's credential; its token file contains the assertion.
func (f *fixture) credential(t *testing.T, tenant, client, assertion string) *azidentity.ClientAssertionCredential {
	t.Helper()
	return sdktest.Credential(t, f.sdk(), tenant, client, assertion)
}

// workload is the credential of the pod that everything is set up for.
func (f *fixture) workload(t *testing.T) *azidentity.ClientAssertionCredential {
	t.Helper()
	return f.credential(t, f.tenant, f.identity.ClientID, f.issuer.Token(t, f.issuer.Claims(subject)))
}

// exchange exchanges an assertion of the workload for an access token.
func (f *fixture) exchange(t *testing.T, assertion string) error {
	t.Helper()
	_, err := f.credential(t, f.tenant, f.identity.ClientID, assertion).
		GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vaultScope}})
	return err
}
