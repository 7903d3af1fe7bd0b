package events

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
)

const tenant = "11111111-2222-3333-4444-555555555555"

var senders = Senders{Tenant: tenant, Audience: "api://akv-injector", AppID: EventGridAppID}

// entra gives tokens, and publishes its keys as Entra ID does.
type entra struct {
	key *rsa.PrivateKey
	at  time.Time
}

func newEntra(t *testing.T) *entra {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &entra{key, time.Now()}
}

func (e *entra) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.URL.String() != "https://login.microsoftonline.com/"+tenant+"/discovery/v2.0/keys" {
		w.WriteHeader(http.StatusNotFound)
		return w.Result(), nil
	}
	encode := base64.RawURLEncoding.EncodeToString
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "kid": "one", "n": encode(e.key.N.Bytes()), "e": encode(big.NewInt(int64(e.key.E)).Bytes()),
	}}})
	return w.Result(), nil
}

// token signs claims; those given replace the good ones.
func (e *entra) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	all := map[string]any{
		"iss": "https://sts.windows.net/" + tenant + "/", "aud": senders.Audience, "appid": senders.AppID,
		"iat": e.at.Unix(), "nbf": e.at.Unix(), "exp": e.at.Add(time.Hour).Unix(), "sub": "x",
	}
	for name, value := range claims {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	payload, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","kid":"one","typ":"JWT"}`)) + "." + encode(payload)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, e.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(signature)
}

// replica is an endpoint that serves, with a certificate that all replicas share.
type replica struct {
	*Endpoint
	url   string
	mu    sync.Mutex
	heard []Hint
	leads bool
}

var shared = func() func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &server.TLS.Certificates[0], nil }
}()

func newReplica(t *testing.T, e *entra, leads bool, peers string) *replica {
	t.Helper()
	r := &replica{leads: leads}
	r.Endpoint = NewEndpoint(EndpointOptions{
		Address: "127.0.0.1:0", Certificate: shared, Senders: senders, Peers: peers,
		Hear: func(h Hint) bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.leads {
				r.heard = append(r.heard, h)
			}
			return r.leads
		},
		Metrics: NewMetrics(prometheus.NewRegistry()), Log: logr.Discard(), Client: &http.Client{Transport: e},
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-r.ready:
	case err := <-done:
		t.Fatal(err)
	}
	r.url = "https://" + r.addr.String() + "/events"
	return r
}

func (r *replica) call(t *testing.T, method, body string, header map[string]string) answer {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	request, err := http.NewRequestWithContext(t.Context(), method, r.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

type answer struct {
	status int
	header http.Header
	text   string
}

func TestHandshake(t *testing.T) {
	r := newReplica(t, newEntra(t), true, "")
	got := r.call(t, http.MethodOptions, "", map[string]string{"WebHook-Request-Origin": "eventgrid.azure.net"})
	if got.status != http.StatusOK || got.header.Get("WebHook-Allowed-Origin") != "eventgrid.azure.net" || got.header.Get("WebHook-Allowed-Rate") == "" {
		t.Errorf("%+v", got)
	}
	for _, origin := range []string{"", "a b", "<script>", strings.Repeat("a", 300)} {
		if got := r.call(t, http.MethodOptions, "", map[string]string{"WebHook-Request-Origin": origin}); got.status != http.StatusBadRequest {
			t.Errorf("%q: %d", origin, got.status)
		}
	}
	if got := r.call(t, http.MethodGet, "", nil); got.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", got.status)
	}
}

func TestDeliveries(t *testing.T) {
	e := newEntra(t)
	stranger := newEntra(t)
	r := newReplica(t, e, true, "")
	good := "Bearer " + e.token(t, nil)
	single := cloudEvent("SecretNewVersionCreated", "sample-kv", "newsecret", version)
	for name, test := range map[string]struct {
		authorization, body string
		header              map[string]string
		status, hints       int
	}{
		"structured":          {good, single, map[string]string{"Content-Type": structured + "; charset=utf-8"}, 200, 1},
		"a batch":             {good, "[" + single + "," + single + "]", map[string]string{"Content-Type": batched}, 200, 2},
		"binary":              {good, `{"vaultName":"sample-kv","objectName":"newsecret"}`, map[string]string{"Content-Type": "application/json", "ce-specversion": "1.0", "ce-type": "Microsoft.KeyVault.SecretNewVersionCreated"}, 200, 1},
		"of no use":           {good, cloudEvent("SecretNearExpiry", "sample-kv", "newsecret", version), nil, 200, 0},
		"version 2 of tokens": {"bearer " + e.token(t, map[string]any{"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0", "appid": nil, "azp": EventGridAppID}), single, nil, 200, 1},

		"no token":                {"", single, nil, 401, 0},
		"basic":                   {"Basic eDp5", single, nil, 401, 0},
		"no JWT":                  {"Bearer x", single, nil, 401, 0},
		"a long one":              {"Bearer " + strings.Repeat("x", maxToken+1), single, nil, 401, 0},
		"another's key":           {"Bearer " + stranger.token(t, nil), single, nil, 401, 0},
		"another tenant's":        {"Bearer " + e.token(t, map[string]any{"iss": "https://sts.windows.net/99999999-2222-3333-4444-555555555555/"}), single, nil, 401, 0},
		"another audience":        {"Bearer " + e.token(t, map[string]any{"aud": "https://vault.azure.net"}), single, nil, 401, 0},
		"another application's":   {"Bearer " + e.token(t, map[string]any{"appid": tenant}), single, nil, 401, 0},
		"no application's":        {"Bearer " + e.token(t, map[string]any{"appid": nil}), single, nil, 401, 0},
		"two applications":        {"Bearer " + e.token(t, map[string]any{"azp": tenant}), single, nil, 401, 0},
		"expired":                 {"Bearer " + e.token(t, map[string]any{"exp": e.at.Add(-time.Hour).Unix()}), single, nil, 401, 0},
		"not yet":                 {"Bearer " + e.token(t, map[string]any{"nbf": e.at.Add(time.Hour).Unix()}), single, nil, 401, 0},
		"unsigned":                {"Bearer " + unsigned(e.token(t, nil)), single, nil, 401, 0},
		"no event":                {good, "hello", nil, 400, 0},
		"another type of content": {good, single, map[string]string{"Content-Type": "text/plain"}, 415, 0},
		"plain JSON":              {good, single, map[string]string{"Content-Type": "application/json"}, 415, 0},
		"too long":                {good, strings.Repeat(" ", maxBody+1), nil, 413, 0},
	} {
		r.heard = nil
		header := map[string]string{"Content-Type": structured}
		maps.Copy(header, test.header)
		if test.authorization != "" {
			header["Authorization"] = test.authorization
		}
		got := r.call(t, http.MethodPost, test.body, header)
		if got.status != test.status || len(r.heard) != test.hints {
			t.Errorf("%s: want %d and %d hints, got %d %q and %d", name, test.status, test.hints, got.status, got.text, len(r.heard))
		}
		if _, token, ok := strings.Cut(test.authorization, "."); ok && strings.Contains(got.text, token) {
			t.Errorf("%s: the token is in the answer", name)
		}
	}
}

// unsigned is a token that says that it needs no signature.
func unsigned(token string) string {
	parts := strings.Split(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
}

// Any replica can be called: the one that leads gets what is delivered.
func TestHandedOn(t *testing.T) {
	e := newEntra(t)
	header := map[string]string{"Content-Type": structured, "Authorization": "Bearer " + e.token(t, nil)}
	body := cloudEvent("SecretNewVersionCreated", "sample-kv", "newsecret", version)
	leader := newReplica(t, e, true, "")
	other := newReplica(t, e, false, leader.addr.String())
	if got := other.call(t, http.MethodPost, body, header); got.status != http.StatusOK || len(leader.heard) != 1 {
		t.Errorf("%+v, the leader heard %v", got, leader.heard)
	}
	leader.mu.Lock()
	leader.leads = false
	leader.mu.Unlock()
	if got := other.call(t, http.MethodPost, body, header); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("nobody leads: %+v", got)
	}
	// A stranger at that address, with another certificate, is told nothing.
	seen := false
	stranger := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen = true }))
	defer stranger.Close()
	fooled := newReplica(t, e, false, stranger.Listener.Addr().String())
	fooled.forward.client.Transport.(*http.Transport).TLSClientConfig.VerifyConnection = newForwarder("", func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &tls.Certificate{Certificate: [][]byte{bytes.Repeat([]byte{1}, 100)}}, nil
	}).client.Transport.(*http.Transport).TLSClientConfig.VerifyConnection
	if got := fooled.call(t, http.MethodPost, body, header); got.status != http.StatusServiceUnavailable || seen {
		t.Errorf("a stranger has a delivery: %+v", got)
	}
}
