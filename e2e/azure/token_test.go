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

	"akv-injector/e2e/azure"
	"akv-injector/e2e/azure/cloud"
)

// A token that outlives its time, is for something else or from another issuer opens no
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
	ofCluster := f.issuer.Token(t, f.issuer.Claims(subject))
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
