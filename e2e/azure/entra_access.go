package azure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
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
func (e *entra) issue(client Identity, audience string, lifetime time.Duration) (string, error) {
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
// that vault's audience and the time being, and to whom.
func (e *entra) authenticate(_ context.Context, bearer, audience string) (principal string, err error) {
	token, err := jwt.ParseSigned(bearer, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", errors.New("the token is not a JWT signed with RS256")
	}
	var (
		registered jwt.Claims
		access     accessClaims
	)
	if err := token.Claims(e.key.Public().Key, &registered, &access); err != nil {
		return "", errors.New("the token is not signed by this tenant's authority")
	}
	if registered.Issuer != e.accessIssuer(e.tenants[0]) {
		return "", fmt.Errorf("the token's issuer is %q, not %q", registered.Issuer, e.accessIssuer(e.tenants[0]))
	}
	audience = strings.TrimSuffix(audience, "/")
	if len(registered.Audience) != 1 || strings.TrimSuffix(registered.Audience[0], "/") != audience {
		return "", fmt.Errorf("the token's audience is %q, not %q", strings.Join(registered.Audience, ","), audience)
	}
	now := e.now()
	if registered.Expiry == nil || !now.Before(registered.Expiry.Time()) {
		return "", errors.New("the token has expired")
	}
	if registered.NotBefore != nil && now.Before(registered.NotBefore.Time().Add(-clockSkew)) {
		return "", errors.New("the token is not valid yet")
	}
	if access.ObjectID == "" {
		return "", errors.New("the token has no oid")
	}
	return access.ObjectID, nil
}
