package entra

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"akv-injector/e2e/azure/arm"
)

// EventGridToken is a token that Event Grid shows to an endpoint for which an audience is set.
func (s *Service) EventGridToken(audience string) (string, error) {
	eventGrid := arm.Identity{ClientID: EventGridAppID, PrincipalID: uuid.NewString(), TenantID: s.tenants[0]}
	return s.accessToken(eventGrid, audience, time.Duration(s.lifetime.Load()))
}

// EventGridAppID is Event Grid's application in the public cloud.
const EventGridAppID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"

// accessClaims are an access token's claims besides the registered ones.
type accessClaims struct {
	AppID    string `json:"appid"`
	IDType   string `json:"idtyp"`
	ObjectID string `json:"oid"`
	TenantID string `json:"tid"`
	TokenID  string `json:"uti"`
	Version  string `json:"ver"`
}

// accessToken makes an access token, of version 1 because Key Vault asks for that.
func (s *Service) accessToken(client arm.Identity, audience string, lifetime time.Duration) (string, error) {
	now := s.now()
	return jwt.Signed(s.signer).Claims(jwt.Claims{
		Issuer:    s.accessIssuer(client.TenantID),
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

func (s *Service) accessIssuer(tenant string) string {
	return fmt.Sprintf("https://sts.windows.net/%s/", tenant)
}

// Caller is the owner of an access token, with the names of the token's claims.
type Caller struct {
	AppID    string // appid: the client id
	ObjectID string // oid: the principal, which roles are assigned to
	Issuer   string // iss
}

// Authenticate checks a bearer token for a vault: that Entra ID gave it, that it is for
// the vault's audience, and that it is valid now. The refusals are Key Vault's own, as
// users quote them. S2S17001 is seen with tokens that are wrong in several ways, and is
// used here for all that have no text of their own.
func (s *Service) Authenticate(_ context.Context, bearer, audience string) (Caller, error) {
	token, err := jwt.ParseSigned(bearer, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(token.Headers) != 1 {
		return Caller{}, errInvalidToken
	}
	if token.Headers[0].KeyID != s.key.KeyID {
		header, _, _ := strings.Cut(bearer, ".")
		return Caller{}, tokenErrorf("AKV10046: Unable to resolve the key used for signature validation. EncodedJwtHeader: '%s'.", header)
	}
	var (
		registered jwt.Claims
		access     accessClaims
	)
	if err := token.Claims(s.key.Public().Key, &registered, &access); err != nil {
		return Caller{}, errInvalidToken
	}
	if issuer := s.accessIssuer(s.tenants[0]); registered.Issuer != issuer {
		return Caller{}, tokenErrorf("AKV10032: Invalid issuer. Expected one of %s, found %s.", issuer, registered.Issuer)
	}
	// With a slash at the end it is another audience.
	if len(registered.Audience) != 1 || registered.Audience[0] != audience {
		return Caller{}, tokenErrorf("AKV10022: Invalid audience. Expected %s, found: %s.", audience, strings.Join(registered.Audience, ","))
	}
	now := s.now()
	if registered.Expiry == nil || !now.Before(registered.Expiry.Time()) {
		return Caller{}, errExpiredToken
	}
	if registered.NotBefore != nil && now.Before(registered.NotBefore.Time().Add(-clockSkew)) || access.ObjectID == "" {
		return Caller{}, errInvalidToken
	}
	return Caller{AppID: access.AppID, ObjectID: access.ObjectID, Issuer: registered.Issuer}, nil
}

// tokenError is a vault's refusal of a token, in Key Vault's words.
type tokenError string

func (e tokenError) Error() string { return string(e) }

func tokenErrorf(format string, args ...any) tokenError {
	return tokenError(fmt.Sprintf(format, args...))
}

const (
	errExpiredToken tokenError = "[TokenExpired] Error validating token: 'S2S12086'."
	errInvalidToken tokenError = "[AggregatedAuthenticationFailure] Error validating token: 'S2S17001'."
)
