package entra

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/cloud"
)

// seedToken is an assertion that is well formed, and of no issuer that is known.
func seedToken(tb testing.TB, claims any) string {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func publicHosts(tb testing.TB) cloud.Hosts {
	tb.Helper()
	hosts, ok := cloud.Public.Hosts()
	if !ok {
		tb.Fatal("the public cloud has no hosts")
	}
	return hosts
}

// Whatever is sent to the token endpoint, it answers as Entra ID refuses: with a
// code, in JSON, and never with a token.
func FuzzTokenEndpoint(f *testing.F) {
	tenant := uuid.NewString()
	d := arm.New(publicHosts(f), tenant)
	identity, err := d.CreateIdentity(arm.Identity{Name: "payments-id"})
	if err != nil {
		f.Fatal(err)
	}
	// Nothing listens at port 0 of this address, so no issuer is ever reached.
	if _, err := d.CreateFederatedCredential("", "payments-id", arm.FederatedCredential{Name: "cluster", Issuer: "https://127.0.0.1:0", Subject: "s"}); err != nil {
		f.Fatal(err)
	}
	e, err := New(Config{Cloud: publicHosts(f), Tenants: []string{tenant}, Subscription: d, Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	form := "grant_type=client_credentials&client_id=" + identity.ClientID + "&scope=https%3A%2F%2Fvault.azure.net%2F.default&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="
	part := base64.RawURLEncoding.EncodeToString
	for _, seed := range []string{
		"", "%", "grant_type", "grant_type=client_credentials;x", form, form + "a.b.c", form + "..", form + "....",
		form + seedToken(f, jwt.Claims{Issuer: "https://127.0.0.1:0", Subject: "s", Audience: jwt.Audience{arm.DefaultAudience}, Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour))}),
		form + seedToken(f, map[string]any{"iss": 7, "sub": nil, "aud": []any{1}, "exp": "never"}),
		form + seedToken(f, map[string]any{"iss": "https://127.0.0.1:0", "sub": "s", "aud": arm.DefaultAudience, "exp": 1e300, "nbf": -1e300}),
		form + part([]byte(`{"alg":"none"}`)) + "." + part([]byte(`{}`)) + ".",
		form + part([]byte(`{"alg":"HS256","kid":"x"}`)) + "." + part([]byte(`{"iss":"https://127.0.0.1:0"}`)) + ".AA",
		form + part([]byte(`{"alg":"RS256","jwk":{"kty":"RSA","n":"AQ","e":"AQ"}}`)) + "." + part([]byte(`null`)) + ".AA",
		form + part([]byte(`{"alg":"RS256","crit":["b64"],"b64":false}`)) + ".." + "AA",
	} {
		f.Add(tenant, "application/x-www-form-urlencoded", seed)
	}
	f.Add("..", "application/x-www-form-urlencoded", form)
	f.Add(tenant, "multipart/form-data; boundary=x", "--x\r\n")
	f.Add(tenant, "", form)

	f.Fuzz(func(t *testing.T, tenant, contentType, body string) {
		if tenant == "" || strings.Contains(tenant, "/") || tenant == "." || tenant == ".." {
			return // another path
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x/oauth2/v2.0/token", strings.NewReader(body))
		request.URL.Path, request.URL.RawPath = "/"+tenant+"/oauth2/v2.0/token", ""
		request.Host = "login.microsoftonline.com"
		request.Header.Set("Content-Type", contentType)
		answer := httptest.NewRecorder()
		e.ServeHTTP(answer, request)
		if answer.Code == http.StatusTemporaryRedirect || answer.Code == http.StatusMovedPermanently {
			return // a path that is not clean
		}
		var refusal struct {
			Codes []int  `json:"error_codes"`
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &refusal); err != nil || len(refusal.Codes) != 1 || refusal.Token != "" || answer.Code < 400 || answer.Code > 499 {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	})
}

// A vault takes no token but Entra ID's.
func FuzzBearer(f *testing.F) {
	tenant := uuid.NewString()
	e, err := New(Config{Cloud: publicHosts(f), Tenants: []string{tenant}, Subscription: arm.New(publicHosts(f), tenant), Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", "https://vault.azure.net")
	f.Add("a.b.c", "")
	f.Add(seedToken(f, map[string]any{"iss": e.accessIssuer(tenant), "aud": "https://vault.azure.net", "oid": "x", "exp": 1 << 40}), "https://vault.azure.net")
	f.Fuzz(func(t *testing.T, bearer, audience string) {
		if principal, err := e.Authenticate(t.Context(), bearer, audience); err == nil {
			t.Errorf("it was taken for %q", principal)
		}
	})
}
