package entra_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/entra"
)

// A cluster that changes its keys is followed; the keys are not fetched for each
// assertion.
func TestIssuerRotatesItsKeys(t *testing.T) {
	f := newFixture(t, nil)
	for range 3 {
		if err := f.exchange(t, f.issuer.Token(t, f.issuer.Claims(subject))); err != nil {
			t.Fatal(err)
		}
	}
	if asked := f.issuer.Asked.Load(); asked != 1 {
		t.Errorf("the keys were fetched %d times, want once", asked)
	}
	f.issuer.Rotate(t)
	if err := f.exchange(t, f.issuer.Token(t, f.issuer.Claims(subject))); err != nil {
		t.Error(err)
	}
	if asked := f.issuer.Asked.Load(); asked != 2 {
		t.Errorf("the keys were fetched %d times, want twice", asked)
	}
}

func TestIssuerOutOfOrder(t *testing.T) {
	f := newFixture(t, nil)
	f.issuer.Broken.Store(true)
	err := f.exchange(t, f.issuer.Token(t, f.issuer.Claims(subject)))
	if err == nil || !strings.Contains(err.Error(), "AADSTS501661: Request to External OIDC endpoint failed.") {
		t.Errorf("got %v", err)
	}
	if last := f.TokenRequests()[0]; !strings.Contains(last.Detail, "503") {
		t.Errorf("the log does not say why: %+v", last)
	}
	f.issuer.Broken.Store(false)
	if err := f.exchange(t, f.issuer.Token(t, f.issuer.Claims(subject))); err != nil {
		t.Error(err)
	}
}

// An issuer whose certificate is not trusted yet is not asked for its keys.
func TestIssuerOfUnknownAuthority(t *testing.T) {
	f := newFixture(t, func(c *entra.Config) { c.IssuerCAs = nil })
	assertion := f.issuer.Token(t, f.issuer.Claims(subject))
	if err := f.exchange(t, assertion); err == nil || !strings.Contains(err.Error(), "AADSTS501661") {
		t.Errorf("got %v", err)
	}
	if err := f.TrustIssuers(f.issuer.PEM()); err != nil {
		t.Fatal(err)
	}
	if err := f.exchange(t, assertion); err != nil {
		t.Error(err)
	}
}

func TestClockSkewIsForgiven(t *testing.T) {
	f := newFixture(t, nil)
	claims := f.issuer.Claims(subject)
	claims.NotBefore = jwt.NewNumericDate(time.Now().Add(4 * time.Minute))
	if err := f.exchange(t, f.issuer.Token(t, claims)); err != nil {
		t.Error(err)
	}
	claims = f.issuer.Claims(subject)
	claims.Expiry = jwt.NewNumericDate(time.Now().Add(-4 * time.Minute))
	if err := f.exchange(t, f.issuer.Token(t, claims)); err != nil {
		t.Error(err)
	}
}

// Without its credential an assertion stands for no identity, and without the identity
// for no application.
func TestDeletedFederation(t *testing.T) {
	f := newFixture(t, nil)
	// With no credential left the refusal would be another one.
	if _, err := f.CreateFederatedCredential("", "payments-id", arm.FederatedCredential{
		Name: "other", Issuer: f.issuer.URL, Subject: "system:serviceaccount:other:api",
	}); err != nil {
		t.Fatal(err)
	}
	if err := f.exchange(t, f.issuer.Token(t, f.issuer.Claims(subject))); err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteFederatedCredential("", "payments-id", "cluster"); err != nil {
		t.Fatal(err)
	}
	if err := f.exchange(t, f.issuer.Token(t, f.issuer.Claims(subject))); err == nil || !strings.Contains(err.Error(), "AADSTS700213") {
		t.Errorf("after the credential is gone: %v", err)
	}
	if err := f.DeleteIdentity("", "payments-id"); err != nil {
		t.Fatal(err)
	}
	if err := f.exchange(t, f.issuer.Token(t, f.issuer.Claims(subject))); err == nil || !strings.Contains(err.Error(), "AADSTS700016") {
		t.Errorf("after the identity is gone: %v", err)
	}
}
