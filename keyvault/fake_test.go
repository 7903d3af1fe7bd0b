package keyvault

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/prometheus/client_golang/prometheus"
	clocktesting "k8s.io/utils/clock/testing"
)

// service is Key Vault as far as a transport sees it. (Package e2e/vaultchecks asks a
// stand-in over HTTPS.)
type service struct {
	mu sync.Mutex
	// answer to a call with a token; nil is an object with one version.
	answer func(req *http.Request) answered
	// calls with a token, as "HOST PATH".
	calls []string
}

func (s *service) Do(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Authorization") == "" {
		suffix := req.URL.Host[strings.IndexByte(req.URL.Host, '.')+1:]
		challenge := fmt.Sprintf(`Bearer authorization="https://login.example/tenant", resource="https://%s"`, suffix)
		return answered{code: http.StatusUnauthorized, header: []string{"WWW-Authenticate", challenge}}.to(req)
	}
	s.mu.Lock()
	s.calls = append(s.calls, req.URL.Host+" "+req.URL.Path)
	answer := s.answer
	s.mu.Unlock()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if answer != nil {
		return answer(req).to(req)
	}
	return listed(versionJSON("a1", `"enabled":true,"created":1750000000`)).to(req)
}

// answered is a response, or an error in its place.
type answered struct {
	code   int
	body   string
	header []string
	err    error
}

func (a answered) to(req *http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	resp := &http.Response{StatusCode: a.code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: req}
	for i := 0; i+1 < len(a.header); i += 2 {
		resp.Header.Set(a.header[i], a.header[i+1])
	}
	return resp, nil
}

func (s *service) set(answer func(*http.Request) answered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// always answers with a status and, if any, an error's code.
func always(status int, code string) func(*http.Request) answered {
	body := ""
	if code != "" {
		body = fmt.Sprintf(`{"error":{"code":%q,"message":"the secret is hunter2"}}`, code)
	}
	return func(*http.Request) answered { return answered{code: status, body: body} }
}

// listed is a page of a list.
func listed(items ...string) answered {
	return answered{code: http.StatusOK, body: `{"value":[` + strings.Join(items, ",") + `]}`}
}

func versionJSON(id, attributes string) string {
	return fmt.Sprintf(`{"id":"https://payments-kv.vault.azure.net/secrets/x/%s","attributes":{%s}}`, id, attributes)
}

// anybody has a token.
type anybody struct{}

func (anybody) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

type fixture struct {
	*Reader
	service  *service
	clock    *clocktesting.FakeClock // stands still until it is moved
	registry *prometheus.Registry
}

func newFixture(t *testing.T, change ...func(*Options)) *fixture {
	t.Helper()
	f := &fixture{service: &service{}, clock: clocktesting.NewFakeClock(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)), registry: prometheus.NewRegistry()}
	o := Options{
		Credential: func(policy.ClientOptions) (azcore.TokenCredential, error) { return anybody{}, nil },
		Transport:  f.service, Now: f.clock.Now, Registerer: f.registry,
		CallsPerSecond: 1e6, Burst: 1e6,
	}
	for _, c := range change {
		c(&o)
	}
	f.Reader = New(o)
	return f
}

var secret = Ref{Vault: "payments-kv", Type: Secret, Name: "DB-Password"}
