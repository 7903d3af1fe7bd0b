package entra_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/entra"
	"akv-injector/e2e/azure/issuertest"
)

// What the SDK is refused for, in the order in which things are checked.
func TestTokenRefusals(t *testing.T) {
	otherTenant := uuid.NewString()
	f := newFixture(t, func(c *entra.Config) { c.Tenants = append(c.Tenants, otherTenant) })
	lonely, err := f.CreateIdentity(arm.Identity{Name: "lonely-id"})
	if err != nil {
		t.Fatal(err)
	}
	// Its two credentials have the issuer, the subject and the audience of the
	// assertion, but not together.
	crossed, err := f.CreateIdentity(arm.Identity{Name: "crossed-id"})
	if err != nil {
		t.Fatal(err)
	}
	for name, credential := range map[string]arm.FederatedCredential{
		"other-audience": {Issuer: f.issuer.URL, Subject: subject, Audiences: []string{"api://other"}},
		"other-subject":  {Issuer: f.issuer.URL, Subject: subject + "-other"},
	} {
		credential.Name = name
		if _, err := f.CreateFederatedCredential("", "crossed-id", credential); err != nil {
			t.Fatal(err)
		}
	}
	stranger := issuertest.New(t)
	nobody, unknownTenant := uuid.NewString(), uuid.NewString()

	for name, test := range map[string]struct {
		tenant, client, scope string
		assertion             string
		change                func(*jwt.Claims)
		want                  int
		text                  string
	}{
		"tenant that does not exist": {
			tenant: unknownTenant,
			want:   90002, text: "Tenant '" + unknownTenant + "' not found.",
		},
		"another tenant": {
			tenant: otherTenant,
			want:   700016, text: "Application with identifier '" + f.identity.ClientID + "' was not found in the directory '" + otherTenant + "'.",
		},
		"client id that does not exist": {
			client: nobody,
			want:   700016, text: "Application with identifier '" + nobody + "' was not found",
		},
		"scope of no service": {
			scope: "https://example.com/.default",
			want:  500011, text: "The resource principal named https://example.com was not found",
		},
		"scope without .default": {
			scope: "https://vault.azure.net/user_impersonation",
			want:  1002012, text: "must have a scope value with /.default suffixed",
		},
		"scope that is none": {
			scope: "vault",
			want:  70011, text: "The scope vault is not valid.",
		},
		"identity without federated credentials": {
			client: lonely.ClientID,
			want:   70025, text: "The client '" + lonely.ClientID + "'(lonely-id) has no configured federated identity credentials.",
		},
		"issuer": {
			change: func(c *jwt.Claims) { c.Issuer = "https://other.example" },
			want:   700211, text: "presented assertion issuer 'https://other.example'. Check your federated identity credential",
		},
		"issuer but for a slash": {
			change: func(c *jwt.Claims) { c.Issuer += "/" },
			want:   700211, text: "presented assertion issuer '" + f.issuer.URL + "/'.",
		},
		"subject": {
			change: func(c *jwt.Claims) { c.Subject = "system:serviceaccount:payments:default" },
			want:   700213, text: "presented assertion subject 'system:serviceaccount:payments:default'. Check your",
		},
		"subject but for its case": {
			change: func(c *jwt.Claims) { c.Subject = "system:serviceaccount:Payments:api" },
			want:   7002138, text: "matches with case-insensitive comparison, but not with case-sensitive comparison",
		},
		"audience": {
			change: func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://kubernetes.default.svc"} },
			want:   700212, text: "presented assertion audience 'https://kubernetes.default.svc'.",
		},
		"issuer, subject and audience of different credentials": {
			client: crossed.ClientID,
			want:   70021, text: "Assertion Issuer: '" + f.issuer.URL + "'. Assertion Subject: '" + subject + "'. Assertion Audience: 'api://AzureADTokenExchange'.",
		},
		"expired": {
			change: func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-6 * time.Minute)) },
			want:   700024, text: "Client assertion is not within its valid time range. Current time: 20",
		},
		"not valid yet": {
			change: func(c *jwt.Claims) { c.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Hour)) },
			want:   700024, text: "assertion valid from 20",
		},
		"without an expiry": {
			change: func(c *jwt.Claims) { c.Expiry = nil },
			want:   50027, text: "has no 'exp' claim",
		},
		"signed by another issuer": {
			assertion: stranger.Token(t, f.issuer.Claims(subject)),
			want:      7000272, text: "could not be found in the metadata of identity provider " + f.issuer.URL,
		},
		"signed by another key of the same id": {
			assertion: stranger.TokenAs(t, f.issuer, f.issuer.Claims(subject)),
			want:      700027, text: "Client assertion contains an invalid signature.",
		},
		"no JWT": {
			assertion: "not.a.jwt",
			want:      50027, text: "JWT token is invalid or malformed.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			claims := f.issuer.Claims(subject)
			if test.change != nil {
				test.change(&claims)
			}
			if test.assertion == "" {
				test.assertion = f.issuer.Token(t, claims)
			}
			if test.tenant == "" {
				test.tenant = f.tenant
			}
			if test.client == "" {
				test.client = f.identity.ClientID
			}
			if test.scope == "" {
				test.scope = vaultScope
			}
			credential := f.credential(t, test.tenant, test.client, test.assertion)
			_, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{test.scope}})
			want := fmt.Sprintf("AADSTS%d: ", test.want)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("want %s… %s …, got %v", want, test.text, err)
			}
			if test.want == 90002 {
				return // found in discovery, before a token is asked for
			}
			var failed *azidentity.AuthenticationFailedError
			if !errors.As(err, &failed) || failed.RawResponse == nil {
				t.Fatalf("want an answer of Entra ID, got %v", err)
			}
			requests := f.TokenRequests()
			if last := requests[len(requests)-1]; last.Code != test.want || last.Status != failed.RawResponse.StatusCode {
				t.Errorf("the log has %+v", last)
			}
		})
	}
}

// What no SDK sends, and the form of an answer.
func TestTokenForm(t *testing.T) {
	f := newFixture(t, nil)
	full := func() url.Values {
		return url.Values{
			"grant_type": {"client_credentials"}, "client_id": {f.identity.ClientID}, "scope": {vaultScope},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion":      {f.issuer.Token(t, f.issuer.Claims(subject))},
		}
	}
	for name, test := range map[string]struct {
		change func(url.Values)
		tenant string
		status int
		kind   string
		code   int
		text   string
	}{
		"no grant_type":             {func(v url.Values) { v.Del("grant_type") }, "", 400, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'."},
		"no client_id":              {func(v url.Values) { v.Del("client_id") }, "", 400, "invalid_request", 900144, "'client_id'."},
		"no scope":                  {func(v url.Values) { v.Del("scope") }, "", 400, "invalid_request", 900144, "'scope'."},
		"another grant":             {func(v url.Values) { v.Set("grant_type", "password") }, "", 400, "unsupported_grant_type", 70003, "unsupported grant type 'password'."},
		"two resources":             {func(v url.Values) { v.Set("scope", vaultScope+" https://example.com/.default") }, "", 400, "invalid_scope", 70011, "is not valid."},
		"scope of another cloud":    {func(v url.Values) { v.Set("scope", "https://vault.usgovcloudapi.net/.default") }, "", 400, "invalid_resource", 500011, "https://vault.usgovcloudapi.net was not found"},
		"no assertion":              {func(v url.Values) { v.Del("client_assertion") }, "", 401, "invalid_client", 7000218, "'client_assertion' or 'client_secret'."},
		"a secret":                  {func(v url.Values) { v.Del("client_assertion"); v.Set("client_secret", "x") }, "", 401, "invalid_client", 7000215, "Invalid client secret provided."},
		"no assertion type":         {func(v url.Values) { v.Del("client_assertion_type") }, "", 400, "invalid_request", 900144, "'client_assertion_type'."},
		"another assertion type":    {func(v url.Values) { v.Set("client_assertion_type", "saml2") }, "", 400, "invalid_request", 90014, "'saml2'"},
		"tenant that is no name":    {nil, "nonsense", 400, "invalid_request", 900023, "Specified tenant identifier 'nonsense' is neither a valid DNS name"},
		"tenant that is not there":  {nil, "contoso.example", 400, "invalid_request", 90002, "Tenant 'contoso.example' not found."},
		"assertion without signing": {func(v url.Values) { v.Set("client_assertion", "eyJhbGciOiJub25lIn0.e30.") }, "", 401, "invalid_client", 50027, "JWT token is invalid or malformed."},
	} {
		t.Run(name, func(t *testing.T) {
			form := full()
			if test.change != nil {
				test.change(form)
			}
			tenant := test.tenant
			if tenant == "" {
				tenant = f.tenant
			}
			correlation := uuid.NewString()
			status, answer := f.post(t, "login.microsoftonline.com", tenant, form, correlation)
			if status != test.status || answer.Error != test.kind || len(answer.Codes) != 1 || answer.Codes[0] != test.code {
				t.Errorf("want %d %s %d, got %d %s %v", test.status, test.kind, test.code, status, answer.Error, answer.Codes)
			}
			prefix := fmt.Sprintf("AADSTS%d: ", test.code)
			if !strings.HasPrefix(answer.Description, prefix) || !strings.Contains(answer.Description, test.text) {
				t.Errorf("want %s… %s …, got %s", prefix, test.text, answer.Description)
			}
			suffix := regexp.MustCompile(` Trace ID: \S+ Correlation ID: ` + correlation + ` Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$`)
			if !suffix.MatchString(answer.Description) || answer.Correlation != correlation || answer.Trace == "" || answer.Timestamp == "" {
				t.Errorf("the ids are not as Entra ID gives them: %+v", answer)
			}
		})
	}
	status, answer := f.post(t, "login.microsoftonline.com", f.tenant, full(), "")
	if status != http.StatusOK || answer.Type != "Bearer" || answer.ExpiresIn != 3600 || answer.Token == "" {
		t.Errorf("the full form is answered with %d", status)
	}
}

// A host of another cloud is Entra ID too, and does not know the tenant.
func TestOtherCloudsKnowNoTenant(t *testing.T) {
	f := newFixture(t, nil)
	for host, want := range map[string]int{
		"login.microsoft.com":      0,
		"login.microsoftonline.us": 90002,
		"login.chinacloudapi.cn":   90002,
	} {
		_, answer := f.post(t, host, f.tenant, url.Values{
			"grant_type": {"client_credentials"}, "client_id": {f.identity.ClientID}, "scope": {vaultScope},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion":      {f.issuer.Token(t, f.issuer.Claims(subject))},
		}, "")
		got := 0
		if len(answer.Codes) > 0 {
			got = answer.Codes[0]
		}
		if got != want {
			t.Errorf("%s answers with AADSTS%d, want %d", host, got, want)
		}
	}
}

// The SDK renews a token five minutes before its end: one that lives an hour is used
// again and again, one that lives a minute only once.
func TestTokenLifetime(t *testing.T) {
	f := newFixture(t, nil)
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

type tokenAnswer struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes"`
	Timestamp   string `json:"timestamp"`
	Trace       string `json:"trace_id"`
	Correlation string `json:"correlation_id"`

	Type      string `json:"token_type"`
	ExpiresIn int    `json:"expires_in"`
	Token     string `json:"access_token"`
}

func (f *fixture) post(t *testing.T, host, tenant string, form url.Values, correlation string) (int, tokenAnswer) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+host+"/"+tenant+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if correlation != "" {
		request.Header.Set("client-request-id", correlation)
	}
	response, err := f.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer tokenAnswer
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %s: %v", response.Status, body, err)
	}
	return response.StatusCode, answer
}
