package entra_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

func TestDiscovery(t *testing.T) {
	f := newFixture(t, nil)
	for path, want := range map[string]string{
		"/common/discovery/instance?api-version=1.1&authorization_endpoint=https%3A%2F%2Flogin.microsoft.com%2F" + f.tenant + "%2Foauth2%2Fv2.0%2Fauthorize": `"tenant_discovery_endpoint":"https://login.microsoft.com/` + f.tenant + `/v2.0/.well-known/openid-configuration"`,
		"/common/discovery/instance?api-version=1.1&authorization_endpoint=https%3A%2F%2Fevil.example%2Fx%2Foauth2%2Fv2.0%2Fauthorize":                       `"error":"invalid_instance"`,
		"/" + f.tenant + "/v2.0/.well-known/openid-configuration":                                                                                            `"issuer":"https://login.microsoftonline.com/` + f.tenant + `/v2.0"`,

		"/" + f.tenant + "/discovery/v2.0/keys": `"kty":"RSA"`,
		"/" + f.tenant + "/oauth2/v2.0/token":   `AADSTS900561: The endpoint only accepts POST requests. Received a GET request.`,
	} {
		for _, host := range []string{"login.microsoftonline.com", "login.microsoft.com"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := f.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || !strings.Contains(string(body), want) {
				t.Errorf("%s%s: want %s, got %s %s %v", host, path, want, response.Status, body, err)
			}
			if strings.Contains(string(body), `"d":`) {
				t.Errorf("%s%s gives the private key away", host, path)
			}
		}
	}
}

// A host that MSAL does not know by heart is asked about at a host that it does.
func TestInstanceDiscoveryOfTheSDK(t *testing.T) {
	f := newFixture(t, nil)
	options := f.sdk()
	options.Cloud.ActiveDirectoryAuthorityHost = "https://login.evil.example/"
	credential, err := azidentity.NewClientAssertionCredential(f.tenant, f.identity.ClientID,
		func(context.Context) (string, error) { return "", errors.New("the assertion was asked for") },
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	_, err = credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{vaultScope}})
	if err == nil || !strings.Contains(err.Error(), "invalid_instance") {
		t.Errorf("want invalid_instance, got %v", err)
	}
}
