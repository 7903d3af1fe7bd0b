package vault_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/azure/vault"
)

// The SDK verifies that the challenge's resource belongs to the vault's host.
func TestChallengeLeadsToAToken(t *testing.T) {
	for host, resource := range map[string]string{
		"demo-kv.vault.azure.net":         "https://vault.azure.net",
		"demo-kv.vault.usgovcloudapi.net": "https://vault.usgovcloudapi.net",
		"demo-kv.vault.azure.cn":          "https://vault.azure.cn",
		"demo-kv.vault.microsoftazure.de": "https://vault.microsoftazure.de",
	} {
		s := newStand(t)
		s.addSecret(t, "one", "value")
		got, err := s.secretsAt(t, "https://"+host, 0).GetSecret(t.Context(), "one", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(*got.ID), "https://"+host+"/secrets/one/") {
			t.Errorf("%s: id %s", host, *got.ID)
		}
		want := policy.TokenRequestOptions{TenantID: tenant, Scopes: []string{resource + "/.default"}}
		if len(s.asked) != 1 || s.asked[0].TenantID != want.TenantID || !cmp.Equal(s.asked[0].Scopes, want.Scopes) {
			t.Errorf("%s: asked for the tokens %+v, want one of %+v", host, s.asked, want)
		}
	}
}

func TestUnauthenticatedIsChallenged(t *testing.T) {
	s := newStand(t)
	const challenge = `Bearer authorization="https://login.microsoftonline.com/` + tenant + `", resource="https://vault.azure.net"`
	for name, authorization := range map[string][]string{
		"AKV10000: Request is missing a Bearer or PoP token.": nil,
		// The token's text is never sent back.
		"AKV10032: Invalid issuer of the token [token]": {"Bearer of-another-tenant"},
	} {
		for _, path := range []string{"/secrets/one", "/secrets", "/no/such/path", "/secrets/one?api-version="} {
			answer := s.send(t, http.MethodGet, path, "", http.Header{"Authorization": authorization})
			if answer.Code != http.StatusUnauthorized || answer.Header().Get("WWW-Authenticate") != challenge {
				t.Errorf("%s: %d, challenge %s", path, answer.Code, answer.Header().Get("WWW-Authenticate"))
			}
			if want := `{"error":{"code":"Unauthorized","message":"` + name + `"}}`; answer.Body.String() != want {
				t.Errorf("got  %s\nwant %s", answer.Body, want)
			}
		}
	}
	for _, authorization := range []string{"Basic dXNlcjpwYXNz", "Bearer", "Bearer ", token} {
		answer := s.send(t, http.MethodGet, "/secrets/one?api-version=7.4", "", http.Header{"Authorization": {authorization}})
		if answer.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d, want 401", authorization, answer.Code)
		}
	}
}

func TestWithoutTheRightIsForbidden(t *testing.T) {
	s := newStand(t)
	s.addSecret(t, "db-password", "value")
	s.deny("Microsoft.KeyVault/vaults/secrets/getSecret/action")
	client := s.secrets(t)
	_, err := client.GetSecret(t.Context(), "db-password", "", nil)
	wantRefusal(t, err, http.StatusForbidden, "Forbidden", "ForbiddenByRbac")
	var refused refusal
	answer := s.send(t, http.MethodGet, "/secrets/DB-Password?api-version=7.4", "", nil)
	if err := json.Unmarshal(answer.Body.Bytes(), &refused); err != nil {
		t.Fatal(err)
	}
	// As users quote it.
	want := strings.Join([]string{
		"Caller is not authorized to perform action on resource.",
		"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
		"Caller: appid=app-of-" + principal + ";oid=" + principal + ";iss=https://sts.windows.net/" + tenant + "/",
		"Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'",
		"Resource: '/subscriptions/s/resourcegroups/shop/providers/microsoft.keyvault/vaults/demo-kv/secrets/db-password'",
		"Assignment: (not found)",
		"DenyAssignmentId: null",
		"DecisionReason: 'DeniedWithNoValidRBAC' ",
		"Vault: demo-kv;location=northeurope",
		"",
	}, "\r\n")
	if diff := cmp.Diff(want, refused.Error.Message); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// What is not there is no other news to who may not look.
	_, err = client.GetSecret(t.Context(), "none", "", nil)
	wantRefusal(t, err, http.StatusForbidden, "Forbidden", "ForbiddenByRbac")
	if _, err := client.NewListSecretPropertiesPager(nil).NextPage(t.Context()); err != nil {
		t.Errorf("listing takes another right: %v", err)
	}
}

// Each request asks for the right of Azure's role definitions, at the object
// it is about.
func TestEachRequestTakesItsRight(t *testing.T) {
	for _, c := range []struct{ method, path, action, object string }{
		{"GET", "/secrets", "secrets/readMetadata/action", ""},
		{"GET", "/secrets/one", "secrets/getSecret/action", "secrets/one"},
		{"GET", "/secrets/one/", "secrets/getSecret/action", "secrets/one"},
		{"GET", "/secrets/one/0123", "secrets/getSecret/action", "secrets/one"},
		{"GET", "/secrets/one/versions", "secrets/readMetadata/action", "secrets/one"},
		{"PUT", "/secrets/one", "secrets/setSecret/action", "secrets/one"},
		{"PATCH", "/secrets/one/", "secrets/update/action", "secrets/one"},
		{"DELETE", "/secrets/one", "secrets/delete", "secrets/one"},
		{"GET", "/deletedsecrets", "secrets/readMetadata/action", ""},
		{"GET", "/deletedsecrets/one", "secrets/readMetadata/action", "secrets/one"},
		{"DELETE", "/deletedsecrets/one", "secrets/purge/action", "secrets/one"},
		{"POST", "/deletedsecrets/one/recover", "secrets/recover/action", "secrets/one"},
		{"GET", "/keys", "keys/read", ""},
		{"GET", "/keys/one/0123", "keys/read", "keys/one"},
		{"POST", "/keys/one/create", "keys/create/action", "keys/one"},
		{"POST", "/keys/one/0123/sign", "keys/sign/action", "keys/one"},
		{"GET", "/certificates/one/", "certificates/read", "certificates/one"},
		{"GET", "/certificates/one/policy", "certificates/read", "certificates/one"},
		{"POST", "/certificates/one/create", "certificates/create/action", "certificates/one"},
		{"GET", "/certificates/issuers", "certificatecas/read", ""},
	} {
		var asked []string
		service := vault.New(func() vault.Config {
			config := newStand(t).config()
			config.Allowed = func(who, vault, object, action string) bool {
				asked = append(asked, who, vault, object, strings.TrimPrefix(action, "Microsoft.KeyVault/vaults/"))
				return false
			}
			return config
		}())
		if err := service.CreateVault("Demo-KV"); err != nil {
			t.Fatal(err)
		}
		s := &stand{Service: service}
		answer := s.send(t, c.method, c.path+"?api-version=7.4", "", nil)
		if answer.Code != http.StatusForbidden {
			t.Errorf("%s %s: %d %s", c.method, c.path, answer.Code, answer.Body)
		}
		if diff := cmp.Diff([]string{principal, "Demo-KV", c.object, c.action}, asked); diff != "" {
			t.Errorf("%s %s: -want +got:\n%s", c.method, c.path, diff)
		}
	}
}
