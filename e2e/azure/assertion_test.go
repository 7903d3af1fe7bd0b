package azure_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/go-jose/go-jose/v4/jwt"

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/cloud"
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
	if f.identity, err = f.CreateIdentity(arm.Identity{Name: "payments-id"}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateFederatedCredential("", "payments-id", arm.FederatedCredential{Name: "cluster", Issuer: other.url, Subject: subject}); err != nil {
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

// A token that outlives its time, is for something else or from somebody else opens no
// vault, and the vault says so in the words that people search for.
func TestVaultRefusesTokens(t *testing.T) {
	var ahead atomic.Int64
	f := newFixture(t, azure.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	f.secret(t, "DB-Password", "hunter2")
	f.assign(t, "Key Vault Secrets User", "", "")
	token := func(scope string) string {
		t.Helper()
		got, err := f.workload(t).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			t.Fatal(err)
		}
		return got.Token
	}
	good := token(vaultScope)
	if status, text := f.read(t, good); status != http.StatusOK {
		t.Fatalf("%d: %s", status, text)
	}
	ofCluster := f.issuer.token(t, f.issuer.claims(subject))
	header, _, _ := strings.Cut(ofCluster, ".")
	const library = "Error validating token: 'S2S17001'."
	for name, c := range map[string]struct{ bearer, want string }{
		"no JWT":              {"hunter2", library},
		"another's signature": {good[:strings.LastIndex(good, ".")+1] + base64.RawURLEncoding.EncodeToString(make([]byte, 256)), library},
		"the pod's own token": {ofCluster, "AKV10046: Unable to resolve the key used for signature validation. EncodedJwtHeader: '" + header + "'."},
		"a slash too many":    {token("https://vault.azure.net//.default"), "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://vault.azure.net/."},
	} {
		if status, text := f.read(t, c.bearer); status != http.StatusUnauthorized || !strings.HasSuffix(text, c.want) {
			t.Errorf("%s: %d %q, want 401 and %q", name, status, text, c.want)
		}
	}
	ahead.Store(int64(2 * time.Hour))
	if status, text := f.read(t, good); status != http.StatusUnauthorized || text != "[TokenExpired] Error validating token: 'S2S12086'." {
		t.Errorf("an expired token: %d %q", status, text)
	}
}

// read asks for the secret with a token, and gives what the vault has to say.
func (f *fixture) read(t *testing.T, bearer string) (status int, message string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.VaultURL(vaultName)+"secrets/DB-Password?api-version=7.4", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	response, err := f.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Error struct{ Message string } }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer.Error.Message
}

// A refusal names the caller and the resource as they were made.
func TestForbiddenNamesTheResource(t *testing.T) {
	f := newFixture(t, azure.Options{})
	f.secret(t, "DB-Password", "hunter2")
	token, err := f.workload(t).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vaultScope}})
	if err != nil {
		t.Fatal(err)
	}
	status, text := f.read(t, token.Token)
	if status != http.StatusForbidden {
		t.Errorf("without a role: %d", status)
	}
	scope, err := f.ObjectScope(vaultName, "secrets", "DB-Password")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Caller: appid=" + f.identity.ClientID + ";oid=" + f.identity.PrincipalID + ";iss=https://sts.windows.net/" + f.TenantID() + "/\r\n",
		"Resource: '" + strings.ToLower(scope) + "'\r\n",
		"Vault: " + vaultName + ";location=westeurope\r\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the refusal has no %q:\n%s", want, text)
		}
	}
}

// Every cloud's vaults answer at their own hosts, with the challenge that leads to that
// cloud's Entra ID.
func TestVaultsOfEveryCloud(t *testing.T) {
	for _, name := range []cloud.Name{cloud.Public, cloud.USGovernment, cloud.China, cloud.German} {
		f := newFixture(t, azure.Options{Cloud: name})
		f.secret(t, "DB-Password", "hunter2")
		f.assign(t, "Key Vault Secrets User", "", "")
		got, err := f.secrets(t, f.workload(t)).GetSecret(t.Context(), "DB-Password", "", nil)
		if err != nil || *got.Value != "hunter2" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Without its credential an assertion stands for no identity, and without the identity
// for no application.
func TestDeletedFederation(t *testing.T) {
	f := newFixture(t, azure.Options{})
	// With no credential left the refusal would be another one.
	if _, err := f.CreateFederatedCredential("", "payments-id", arm.FederatedCredential{
		Name: "other", Issuer: f.issuer.url, Subject: "system:serviceaccount:other:api",
	}); err != nil {
		t.Fatal(err)
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
