package azure_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// issuer is a cluster's token issuer: OIDC discovery and keys, over HTTPS.
type issuer struct {
	server *httptest.Server
	url    string
	asked  atomic.Int32 // how often the keys were fetched
	broken atomic.Bool

	mu        sync.Mutex
	key       *rsa.PrivateKey
	kid       string
	published []jose.JSONWebKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.rotate(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if i.broken.Load() {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.url, "jwks_uri": i.url + "/openid/v1/jwks"})
	})
	mux.HandleFunc("GET /openid/v1/jwks", func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: i.published})
	})
	i.server = httptest.NewUnstartedServer(mux)
	i.server.Config.ErrorLog = log.New(io.Discard, "", 0) // who does not trust it is what a test is about
	i.server.StartTLS()
	t.Cleanup(i.server.Close)
	i.url = i.server.URL
	return i
}

// rotate gives the issuer another key, and publishes it alone.
func (i *issuer) rotate(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.kid = key, uuid.NewString()
	i.published = []jose.JSONWebKey{{Key: key.Public(), KeyID: i.kid, Algorithm: "RS256", Use: "sig"}}
}

func (i *issuer) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.server.Certificate())
	return pool
}

func (i *issuer) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})
}

// claims are those of a pod's projected token.
func (i *issuer) claims(subject string) jwt.Claims {
	now := time.Now()
	return jwt.Claims{
		Issuer:    i.url,
		Subject:   subject,
		Audience:  jwt.Audience{"api://AzureADTokenExchange"},
		IssuedAt:  jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now),
		Expiry:    jwt.NewNumericDate(now.Add(time.Hour)),
	}
}

// token signs claims with the issuer's key.
func (i *issuer) token(tb testing.TB, claims jwt.Claims) string {
	tb.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	return signToken(tb, i.key, i.kid, claims)
}

func signToken(tb testing.TB, key *rsa.PrivateKey, kid string, claims jwt.Claims) string {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}
