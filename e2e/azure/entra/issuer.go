package entra

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"akv-injector/e2e/azure/arm"
)

// issuers fetches and keeps the keys of token issuers, as their OIDC discovery
// documents publish them.
type issuers struct {
	mu    sync.Mutex
	roots *x509.CertPool
	known map[string]jose.JSONWebKeySet
}

// issuerTimeout bounds both calls to an issuer; the workload waits meanwhile.
const issuerTimeout = 10 * time.Second

func newIssuers(roots *x509.CertPool) *issuers {
	if roots == nil {
		roots = x509.NewCertPool()
	} else {
		roots = roots.Clone() // more may be trusted later
	}
	return &issuers{roots: roots, known: map[string]jose.JSONWebKeySet{}}
}

// TrustIssuers adds certificate authorities, in PEM, that token issuers may have their
// certificates from: a cluster may be made after its Azure.
func (s *Service) TrustIssuers(pem []byte) error { return s.issuers.trust(pem) }

// trust adds certificate authorities that an issuer may have its certificate from.
func (i *issuers) trust(pem []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	roots := i.roots.Clone()
	if !roots.AppendCertsFromPEM(pem) {
		return arm.BadRequest("The file has no certificate in PEM.")
	}
	i.roots = roots
	return nil
}

// keys returns an issuer's keys with that id, none if it has none. Keys are kept, and
// fetched again for an id that is not among them, so that a cluster may change its
// keys; a key that was withdrawn is valid until then, as in Azure.
func (i *issuers) keys(ctx context.Context, issuer, kid string) ([]jose.JSONWebKey, error) {
	i.mu.Lock()
	set, roots := i.known[issuer], i.roots
	i.mu.Unlock()
	if keys := set.Key(kid); len(keys) > 0 {
		return keys, nil
	}
	set, err := fetchKeys(ctx, issuer, roots)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	i.known[issuer] = set
	i.mu.Unlock()
	return set.Key(kid), nil
}

func fetchKeys(ctx context.Context, issuer string, roots *x509.CertPool) (jose.JSONWebKeySet, error) {
	ctx, cancel := context.WithTimeout(ctx, issuerTimeout)
	defer cancel()
	// It uses no proxy and keeps no connection: a cluster's API server comes and goes.
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DisableKeepAlives: true,
	}}
	var discovery struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := fetchJSON(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &discovery); err != nil {
		return jose.JSONWebKeySet{}, err
	}
	if discovery.Issuer != issuer {
		return jose.JSONWebKeySet{}, fmt.Errorf("the discovery document of issuer %s says that it is %s", issuer, discovery.Issuer)
	}
	var set jose.JSONWebKeySet
	err := fetchJSON(ctx, client, discovery.JWKSURI, &set)
	return set, err
}

func fetchJSON(ctx context.Context, client *http.Client, address string, into any) error {
	if parsed, err := url.Parse(address); err != nil || parsed.Scheme != "https" {
		return fmt.Errorf("%q is not an https URL", address)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", address, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(into); err != nil {
		return fmt.Errorf("GET %s: %w", address, err)
	}
	return nil
}
