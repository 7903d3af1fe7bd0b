package azure

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/vault"
)

// accessClaims are what an access token says beyond the registered claims.
type accessClaims struct {
	AppID    string `json:"appid"`
	IDType   string `json:"idtyp"`
	ObjectID string `json:"oid"`
	TenantID string `json:"tid"`
	TokenID  string `json:"uti"`
	Version  string `json:"ver"`
}

// issue makes an access token. It is one of version 1, as Key Vault asks for.
func (e *entra) issue(client arm.Identity, audience string, lifetime time.Duration) (string, error) {
	now := e.now()
	return jwt.Signed(e.signer).Claims(jwt.Claims{
		Issuer:    e.accessIssuer(client.TenantID),
		Subject:   client.PrincipalID,
		Audience:  jwt.Audience{audience},
		IssuedAt:  jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now),
		Expiry:    jwt.NewNumericDate(now.Add(lifetime)),
	}).Claims(accessClaims{
		AppID:    client.ClientID,
		IDType:   "app",
		ObjectID: client.PrincipalID,
		TenantID: client.TenantID,
		TokenID:  uuid.NewString(),
		Version:  "1.0",
	}).Serialize()
}

func (e *entra) accessIssuer(tenant string) string {
	return fmt.Sprintf("https://sts.windows.net/%s/", tenant)
}

// authenticate is what a vault asks of a bearer token: whether Entra ID gave it, for
// that vault's audience and the time being, and to whom. The refusals are Key Vault's
// own, as users quote them. S2S17001 is seen with tokens of several faults, and stands
// here for all that have no text of their own.
func (e *entra) authenticate(_ context.Context, bearer, audience string) (vault.Caller, error) {
	token, err := jwt.ParseSigned(bearer, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(token.Headers) != 1 {
		return vault.Caller{}, errInvalidToken
	}
	if token.Headers[0].KeyID != e.key.KeyID {
		header, _, _ := strings.Cut(bearer, ".")
		return vault.Caller{}, tokenErrorf("AKV10046: Unable to resolve the key used for signature validation. EncodedJwtHeader: '%s'.", header)
	}
	var (
		registered jwt.Claims
		access     accessClaims
	)
	if err := token.Claims(e.key.Public().Key, &registered, &access); err != nil {
		return vault.Caller{}, errInvalidToken
	}
	if issuer := e.accessIssuer(e.tenants[0]); registered.Issuer != issuer {
		return vault.Caller{}, tokenErrorf("AKV10032: Invalid issuer. Expected one of %s, found %s.", issuer, registered.Issuer)
	}
	// A slash at the end makes another audience of it.
	if len(registered.Audience) != 1 || registered.Audience[0] != audience {
		return vault.Caller{}, tokenErrorf("AKV10022: Invalid audience. Expected %s, found: %s.", audience, strings.Join(registered.Audience, ","))
	}
	now := e.now()
	if registered.Expiry == nil || !now.Before(registered.Expiry.Time()) {
		return vault.Caller{}, errExpiredToken
	}
	if registered.NotBefore != nil && now.Before(registered.NotBefore.Time().Add(-clockSkew)) || access.ObjectID == "" {
		return vault.Caller{}, errInvalidToken
	}
	return vault.Caller{AppID: access.AppID, ObjectID: access.ObjectID, Issuer: registered.Issuer}, nil
}

// tokenError is what a vault says of a token, in Key Vault's words.
type tokenError string

func (e tokenError) Error() string { return string(e) }

func tokenErrorf(format string, args ...any) tokenError {
	return tokenError(fmt.Sprintf(format, args...))
}

const (
	errExpiredToken tokenError = "[TokenExpired] Error validating token: 'S2S12086'."
	errInvalidToken tokenError = "[AggregatedAuthenticationFailure] Error validating token: 'S2S17001'."
)
