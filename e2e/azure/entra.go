package azure

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
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

// DefaultTokenLifetime is how long an access token is good for. Azure takes a
// random time of 60 to 90 minutes.
const DefaultTokenLifetime = time.Hour

// entra is Microsoft Entra ID, as far as a workload meets it.
type entra struct {
	cloud        cloud.Hosts
	tenants      []string // the first is ours, the others know no application
	subscription *arm.Subscription
	issuers      *issuers
	now          func() time.Time
	lifetime     atomic.Int64 // a time.Duration
	tokenFault   currentFault
	requests     tokenLog
	key          jose.JSONWebKey
	signer       jose.Signer
	handler      *http.ServeMux
	maxBodyBytes int64
}

func newEntra(hosts cloud.Hosts, tenants []string, subscription *arm.Subscription, issuers *issuers, now func() time.Time) (*entra, error) {
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
	e := &entra{
		cloud: hosts, tenants: tenants, subscription: subscription, issuers: issuers, now: now,
		key: key, signer: signer, maxBodyBytes: 1 << 20,
	}
	e.lifetime.Store(int64(DefaultTokenLifetime))
	e.handler = http.NewServeMux()
	e.handler.HandleFunc("GET /common/discovery/instance", e.serveInstance)
	e.handler.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", e.serveConfiguration)
	e.handler.HandleFunc("GET /{tenant}/discovery/v2.0/keys", e.serveKeys)
	e.handler.HandleFunc("/{tenant}/oauth2/v2.0/token", e.serveToken)
	return e, nil
}

func (e *entra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if id := r.Header.Get("client-request-id"); uuid.Validate(id) == nil {
		w.Header().Set("client-request-id", id)
	}
	e.handler.ServeHTTP(w, r)
}

// tenant finds the tenant that a request's path names. The hosts of other clouds
// know none of ours.
func (e *entra) tenant(r *http.Request) (string, *entraError) {
	name := r.PathValue("tenant")
	if uuid.Validate(name) != nil && !strings.Contains(name, ".") {
		return "", invalidTenantName(name)
	}
	if slices.Contains(e.cloud.Login, cloud.HostOf(r)) {
		for _, tenant := range e.tenants {
			if strings.EqualFold(tenant, name) {
				return tenant, nil
			}
		}
	}
	return "", tenantNotFound(name)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone, if this fails
}
