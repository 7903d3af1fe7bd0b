package vault_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"akv-injector/e2e/azure/vault"
)

const (
	tenant    = "11111111-2222-3333-4444-555555555555"
	principal = "aaaaaaaa-0000-0000-0000-000000000001"
	token     = "token-of-" + principal
	stranger  = "bbbbbbbb-0000-0000-0000-000000000002"
)

// stand is a service behind TLS, with one vault, "demo-kv", and one principal
// that may do all but what a test denies.
type stand struct {
	*vault.Service
	server *httptest.Server

	mu     sync.Mutex
	denied []string // actions
	now    time.Time
	asked  []policy.TokenRequestOptions
}

// start is the clock's beginning: it stands still unless a test moves it.
var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{now: start}
	s.Service = vault.New(s.config())
	if err := s.CreateVault("demo-kv"); err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewTLSServer(s.Service)
	t.Cleanup(s.server.Close)
	return s
}

func (s *stand) config() vault.Config {
	return vault.Config{
		Authenticate: func(_ context.Context, bearer, audience string) (vault.Caller, error) {
			if !strings.HasPrefix(audience, "https://vault.") {
				return vault.Caller{}, errors.New("wrong audience " + audience)
			}
			name, ok := strings.CutPrefix(bearer, "token-of-")
			if !ok {
				return vault.Caller{}, errors.New("AKV10032: Invalid issuer of the token " + bearer)
			}
			return vault.Caller{AppID: "app-of-" + name, ObjectID: name, Issuer: "https://sts.windows.net/" + tenant + "/"}, nil
		},
		Resource: func(name string) vault.Resource {
			return vault.Resource{ID: "/subscriptions/S/resourceGroups/Shop/providers/Microsoft.KeyVault/vaults/" + name, Location: "northeurope"}
		},
		Allowed: func(who, _, _, action string) bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return who == principal && !slices.Contains(s.denied, action)
		},
		TenantID:      tenant,
		LoginEndpoint: "https://login.microsoftonline.com",
		Now: func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.now
		},
	}
}

func (s *stand) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *stand) deny(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = actions
}

// GetToken makes the stand a credential of its principal.
func (s *stand) GetToken(_ context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, options)
	return azcore.AccessToken{Token: token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// transport reaches the stand whatever the host's name is.
func (s *stand) transport() *http.Transport {
	roots := x509.NewCertPool()
	roots.AddCert(s.server.Certificate())
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.server.Listener.Addr().String())
		},
		// The server's certificate is httptest's, which knows no vault.
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"},
	}
}

// options make an SDK client of a stand. It does not retry unless a test says so.
func (s *stand) options(t *testing.T, retries int32) azcore.ClientOptions {
	t.Helper()
	transport := s.transport()
	t.Cleanup(transport.CloseIdleConnections)
	if retries == 0 {
		retries = -1
	}
	return azcore.ClientOptions{
		Transport: &http.Client{Transport: transport},
		Retry:     policy.RetryOptions{MaxRetries: retries, RetryDelay: time.Millisecond},
	}
}

const demoURL = "https://demo-kv.vault.azure.net/"

func (s *stand) secrets(t *testing.T) *azsecrets.Client {
	t.Helper()
	return s.secretsAt(t, demoURL, 0)
}

func (s *stand) secretsAt(t *testing.T, url string, retries int32) *azsecrets.Client {
	t.Helper()
	client, err := azsecrets.NewClient(url, s, &azsecrets.ClientOptions{ClientOptions: s.options(t, retries)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (s *stand) keys(t *testing.T) *azkeys.Client {
	t.Helper()
	client, err := azkeys.NewClient(demoURL, s, &azkeys.ClientOptions{ClientOptions: s.options(t, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (s *stand) certificates(t *testing.T) *azcertificates.Client {
	t.Helper()
	client, err := azcertificates.NewClient(demoURL, s, &azcertificates.ClientOptions{ClientOptions: s.options(t, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// setSecret sets one through the Go API.
func (s *stand) addSecret(t *testing.T, name, value string) (version string) {
	t.Helper()
	version, err := s.SetSecret("demo-kv", name, value, vault.Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// refusal is the JSON of an error.
type refusal struct {
	Error struct {
		Code    string
		Message string
		Inner   struct{ Code string } `json:"innererror"`
	}
}

// send is a plain request with the principal's token, for what no SDK sends.
// Headers that are given replace its own.
func (s *stand) send(t *testing.T, method, path, body string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://demo-kv.vault.azure.net"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// wantRefusal checks an SDK client's error: the status, the code, and the inner
// code if there is one.
func wantRefusal(t *testing.T, err error, status int, code, inner string) {
	t.Helper()
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		t.Fatalf("got %v, want an answer %d %s", err, status, code)
	}
	if answer.StatusCode != status || answer.ErrorCode != code {
		t.Errorf("got %d %s, want %d %s", answer.StatusCode, answer.ErrorCode, status, code)
	}
	body, err := io.ReadAll(answer.RawResponse.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got refusal
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if got.Error.Inner.Code != inner {
		t.Errorf("inner error %q, want %q", got.Error.Inner.Code, inner)
	}
}
