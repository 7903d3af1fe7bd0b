// Package issuertest is a token issuer for tests, such as a cluster is: OIDC discovery
// and signing keys over HTTPS, and tokens like those that are projected into pods.
package issuertest

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

// Issuer is a running token issuer.
type Issuer struct {
	// URL is the issuer as its tokens name it.
	URL string
	// Asked is how often the keys were fetched.
	Asked atomic.Int32
	// Broken makes discovery fail with 503 while it is true.
	Broken atomic.Bool

	server *httptest.Server

	mu        sync.Mutex
	key       *rsa.PrivateKey
	kid       string
	published []jose.JSONWebKey
}

// New starts an issuer that ends with the test.
func New(t *testing.T) *Issuer {
	t.Helper()
	i := &Issuer{}
	i.Rotate(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if i.Broken.Load() {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/openid/v1/jwks"})
	})
	mux.HandleFunc("GET /openid/v1/jwks", func(w http.ResponseWriter, _ *http.Request) {
		i.Asked.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: i.published})
	})
	i.server = httptest.NewUnstartedServer(mux)
	i.server.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that does not trust it is what a test may be about
	i.server.StartTLS()
	t.Cleanup(i.server.Close)
	i.URL = i.server.URL
	return i
}

// Rotate gives the issuer another key, the only one that it publishes.
func (i *Issuer) Rotate(t *testing.T) {
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

// Roots has the certificate authority that clients of the issuer need.
func (i *Issuer) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(i.server.Certificate())
	return pool
}

// PEM is what Roots has, in PEM.
func (i *Issuer) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})
}

// Claims are those of a pod's projected token, for Entra ID and good for an hour.
func (i *Issuer) Claims(subject string) jwt.Claims {
	now := time.Now()
	return jwt.Claims{
		Issuer:    i.URL,
		Subject:   subject,
		Audience:  jwt.Audience{"api://AzureADTokenExchange"},
		IssuedAt:  jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now),
		Expiry:    jwt.NewNumericDate(now.Add(time.Hour)),
	}
}

// Token signs claims with the issuer's key.
func (i *Issuer) Token(tb testing.TB, claims jwt.Claims) string {
	tb.Helper()
	return i.TokenAs(tb, i, claims)
}

// TokenAs signs claims with the issuer's key, under the id of another issuer's key.
func (i *Issuer) TokenAs(tb testing.TB, other *Issuer, claims jwt.Claims) string {
	tb.Helper()
	key, _ := i.current()
	_, kid := other.current()
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

func (i *Issuer) current() (key *rsa.PrivateKey, kid string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.key, i.kid
}
