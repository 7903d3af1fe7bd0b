package azure_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/go-jose/go-jose/v4/jwt"

	"akv-injector/e2e/azure"
)

func (f *fixture) exchange(t *testing.T, assertion string) error {
	t.Helper()
	_, err := f.credential(t, f.TenantID(), f.identity.ClientID, assertion).
		GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vaultScope}})
	return err
}

// A cluster that changes its keys is followed; the keys are not fetched for each
// assertion.
func TestIssuerRotatesItsKeys(t *testing.T) {
	f := newFixture(t, azure.Options{})
	for range 3 {
		if err := f.exchange(t, f.issuer.token(t, f.issuer.claims(subject))); err != nil {
			t.Fatal(err)
		}
	}
	if asked := f.issuer.asked.Load(); asked != 1 {
		t.Errorf("the keys were fetched %d times, want once", asked)
	}
	f.issuer.rotate(t)
	if err := f.exchange(t, f.issuer.token(t, f.issuer.claims(subject))); err != nil {
		t.Error(err)
	}
	if asked := f.issuer.asked.Load(); asked != 2 {
		t.Errorf("the keys were fetched %d times, want twice", asked)
	}
}

func TestIssuerOutOfOrder(t *testing.T) {
	f := newFixture(t, azure.Options{})
	f.issuer.broken.Store(true)
	err := f.exchange(t, f.issuer.token(t, f.issuer.claims(subject)))
	if err == nil || !strings.Contains(err.Error(), "AADSTS501661: Request to External OIDC endpoint failed.") {
		t.Errorf("got %v", err)
	}
	if last := f.TokenRequests()[0]; !strings.Contains(last.Detail, "503") {
		t.Errorf("the log does not say why: %+v", last)
	}
	f.issuer.broken.Store(false)
	if err := f.exchange(t, f.issuer.token(t, f.issuer.claims(subject))); err != nil {
		t.Error(err)
	}
}

// An issuer whose certificate nobody vouches for is asked in vain, until somebody does.
func TestIssuerOfUnknownAuthority(t *testing.T) {
	f := newFixture(t, azure.Options{})
	other := newIssuer(t) // httptest has one certificate for all
	server, err := azure.Start(t.Context(), azure.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	f.Server, f.client = server, server.Client()
	t.Cleanup(f.client.CloseIdleConnections)
	if f.identity, err = f.CreateIdentity(azure.Identity{Name: "payments-id"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateFederatedCredential("", "payments-id", azure.FederatedCredential{Name: "cluster", Issuer: other.url, Subject: subject}); err != nil {
		t.Fatal(err)
	}
	assertion := other.token(t, other.claims(subject))
	if err := f.exchange(t, assertion); err == nil || !strings.Contains(err.Error(), "AADSTS501661") {
		t.Errorf("got %v", err)
	}
	if err := f.TrustIssuers(other.pem()); err != nil {
		t.Fatal(err)
	}
	if err := f.exchange(t, assertion); err != nil {
		t.Error(err)
	}
}

func TestClockSkewIsForgiven(t *testing.T) {
	f := newFixture(t, azure.Options{})
	claims := f.issuer.claims(subject)
	claims.NotBefore = jwt.NewNumericDate(time.Now().Add(4 * time.Minute))
	if err := f.exchange(t, f.issuer.token(t, claims)); err != nil {
		t.Error(err)
	}
	claims = f.issuer.claims(subject)
	claims.Expiry = jwt.NewNumericDate(time.Now().Add(-4 * time.Minute))
	if err := f.exchange(t, f.issuer.token(t, claims)); err != nil {
		t.Error(err)
	}
}

// The SDK renews a token five minutes before its end: one that lives an hour is used
// again and again, one that lives a minute only once.
func TestTokenLifetime(t *testing.T) {
	f := newFixture(t, azure.Options{})
	use := func(want int) {
		t.Helper()
		f.ClearAudit()
		credential := f.workload(t)
		for range 3 {
			if _, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vaultScope}}); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(f.TokenRequests()); got != want {
			t.Errorf("three uses took %d tokens, want %d", got, want)
		}
	}
	use(1)
	if err := f.SetTokenLifetime(time.Minute); err != nil {
		t.Fatal(err)
	}
	use(3)
	if err := f.SetTokenLifetime(time.Millisecond); err == nil {
		t.Error("a lifetime below a second was taken")
	}
}

// A token that outlives its time, or is for something else, opens no vault.
func TestVaultRefusesTokens(t *testing.T) {
	var ahead atomic.Int64
	f := newFixture(t, azure.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	f.secret(t, "DB-Password", "hunter2")
	f.assign(t, "Key Vault Secrets User", "", "")
	secrets := f.secrets(t, f.workload(t))
	if _, err := secrets.GetSecret(t.Context(), "DB-Password", "", nil); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(2 * time.Hour))
	if _, err := secrets.GetSecret(t.Context(), "DB-Password", "", nil); status(t, err) != 401 {
		t.Errorf("an expired token: %v", err)
	}
}

func TestFederatedCredentials(t *testing.T) {
	f := newFixture(t, azure.Options{})
	credential := func(name string) azure.FederatedCredential {
		return azure.FederatedCredential{Name: name, Issuer: f.issuer.url, Subject: "system:serviceaccount:" + name + ":api"}
	}
	for i := range 19 { // the fixture has one
		if _, err := f.CreateFederatedCredential("", "payments-id", credential(fmt.Sprintf("cluster-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.CreateFederatedCredential("", "payments-id", credential("one-more")); err == nil || !strings.Contains(err.Error(), "at most 20") {
		t.Errorf("a 21st: %v", err)
	}
	if _, err := f.CreateFederatedCredential("", "payments-id", credential("cluster-3")); err != nil {
		t.Errorf("the same again: %v", err)
	}
	twice := credential("cluster-4")
	twice.Subject = credential("cluster-5").Subject
	if _, err := f.CreateFederatedCredential("", "payments-id", twice); err == nil || !strings.Contains(err.Error(), "combination already exists") {
		t.Errorf("a second one of the same issuer and subject: %v", err)
	}
	for name, wrong := range map[string]azure.FederatedCredential{
		"name":          {Name: "a", Issuer: f.issuer.url, Subject: "s"},
		"issuer":        {Name: "wrong", Issuer: "http://cluster.example", Subject: "s"},
		"subject":       {Name: "wrong", Issuer: f.issuer.url},
		"two audiences": {Name: "wrong", Issuer: f.issuer.url, Subject: "s", Audiences: []string{"a", "b"}},
	} {
		if _, err := f.CreateFederatedCredential("", "payments-id", wrong); err == nil {
			t.Errorf("a wrong %s was taken", name)
		}
	}

	if err := f.exchange(t, f.issuer.token(t, f.issuer.claims(subject))); err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteFederatedCredential("", "payments-id", "cluster"); err != nil {
		t.Fatal(err)
	}
	if err := f.exchange(t, f.issuer.token(t, f.issuer.claims(subject))); err == nil || !strings.Contains(err.Error(), "AADSTS700213") {
		t.Errorf("after the credential is gone: %v", err)
	}
	if err := f.DeleteIdentity("", "payments-id"); err != nil {
		t.Fatal(err)
	}
	if err := f.exchange(t, f.issuer.token(t, f.issuer.claims(subject))); err == nil || !strings.Contains(err.Error(), "AADSTS700016") {
		t.Errorf("after the identity is gone: %v", err)
	}
}
