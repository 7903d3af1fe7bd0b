package tokenproxy

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"akv-injector/e2e/azure/arm"
	"akv-injector/inject/provider"
)

// issuers are those of AKS's own for bound identities: one for each, below a base, with one key.
type issuers struct {
	base string
	key  *rsa.PrivateKey
}

const keyID = "aks-identity-bindings"

func newIssuers(base string) (*issuers, error) {
	const bits = 2048
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, err
	}
	return &issuers{base: base, key: key}, nil
}

// token is one for Entra ID, of the issuer of an identity.
func (i *issuers) token(clientID string) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: keyID}}, nil)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: i.base + "/" + clientID, Subject: arm.BindingSubject, Audience: jwt.Audience{provider.TokenAudience},
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Hour)),
	}).Serialize()
}

// ServeHTTP serves discovery and keys.
func (i *issuers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const discovery, keys = "/.well-known/openid-configuration", "/keys"
	identity, found := strings.CutSuffix(r.URL.Path, discovery)
	var answer any = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: keyID, Algorithm: string(jose.RS256), Use: "sig"}}}
	switch {
	case found:
		answer = map[string]string{"issuer": i.base + identity, "jwks_uri": i.base + identity + keys}
	case !strings.HasSuffix(r.URL.Path, keys):
		http.NotFound(w, r)
		return
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		return // the caller is gone
	}
}
