package entra

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/cloud"
)

// DefaultTokenLifetime is how long an access token is valid. Azure takes a random time
// of 60 to 90 minutes.
const DefaultTokenLifetime = time.Hour

// Config is what a [Service] needs. All fields but IssuerCAs must be set.
type Config struct {
	Cloud cloud.Hosts
	// Tenants exist. The first is that of all identities, the others have no
	// application.
	Tenants []string
	// Subscription has the identities and their federated credentials.
	Subscription *arm.Subscription
	// IssuerCAs are trusted when the issuer of an assertion is asked for its keys; see
	// also [Service.TrustIssuers].
	IssuerCAs *x509.CertPool
	// Now is the clock of tokens.
	Now func() time.Time
}

// Service is Microsoft Entra ID as far as a workload uses it: an [net/http.Handler] of
// all login hosts, and its methods, which may be called at once.
type Service struct {
	cloud        cloud.Hosts
	tenants      []string
	subscription *arm.Subscription
	issuers      *issuers
	now          func() time.Time
	lifetime     atomic.Int64 // a time.Duration
	fault        currentFault
	requests     tokenLog
	key          jose.JSONWebKey
	signer       jose.Signer
	handler      *http.ServeMux
	maxBodyBytes int64
}

// New returns an Entra ID with a signing key of its own.
func New(config Config) (*Service, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	id := uuid.New()
	key := jose.JSONWebKey{Key: private, KeyID: base64.RawURLEncoding.EncodeToString(id[:]), Algorithm: string(jose.RS256), Use: "sig"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, err
	}
	s := &Service{
		cloud: config.Cloud, tenants: config.Tenants, subscription: config.Subscription,
		issuers: newIssuers(config.IssuerCAs), now: config.Now,
		key: key, signer: signer, maxBodyBytes: 1 << 20,
	}
	s.lifetime.Store(int64(DefaultTokenLifetime))
	s.handler = http.NewServeMux()
	s.handler.HandleFunc("GET /common/discovery/instance", s.serveInstance)
	s.handler.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", s.serveConfiguration)
	s.handler.HandleFunc("GET /{tenant}/discovery/v2.0/keys", s.serveKeys)
	s.handler.HandleFunc("/{tenant}/oauth2/v2.0/token", s.serveToken)
	return s, nil
}

// SetTokenLifetime sets the lifetime of access tokens that are given from now on.
func (s *Service) SetTokenLifetime(lifetime time.Duration) error {
	if lifetime < time.Second {
		return arm.BadRequest("The token lifetime %s is below the second that clients are told.", lifetime)
	}
	s.lifetime.Store(int64(lifetime))
	return nil
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if id := r.Header.Get("client-request-id"); uuid.Validate(id) == nil {
		w.Header().Set("client-request-id", id)
	}
	s.handler.ServeHTTP(w, r)
}

// tenant finds the tenant that a request's path names. The hosts of other clouds do
// not know ours.
func (s *Service) tenant(r *http.Request) (string, *oauthError) {
	name := r.PathValue("tenant")
	if uuid.Validate(name) != nil && !strings.Contains(name, ".") {
		return "", invalidTenantName(name)
	}
	if slices.Contains(s.cloud.Login, cloud.HostOf(r)) {
		for _, tenant := range s.tenants {
			if strings.EqualFold(tenant, name) {
				return tenant, nil
			}
		}
	}
	return "", tenantNotFound(name)
}
