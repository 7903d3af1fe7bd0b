package entra

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"akv-injector/e2e/azure/arm"
)

// clockSkew is how far the issuer's clock may be off.
const clockSkew = 5 * time.Minute

// verify checks an assertion for an identity: that a federated credential names its
// issuer, subject and audience, then its time, and last its signature with the issuer's
// published keys. Only an issuer that a credential names is called, or anyone could
// make Entra ID call any host.
func (s *Service) verify(ctx context.Context, raw string, client arm.Identity, federated []arm.FederatedCredential, entry *TokenRequest) *oauthError {
	// Azure documents only RS256 for federated credentials.
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(token.Headers) != 1 {
		return malformedAssertion("The assertion is not a JWT signed with RS256.")
	}
	var claims jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return malformedAssertion("The claims of the assertion cannot be read.")
	}
	entry.Issuer, entry.Subject, entry.Audience = claims.Issuer, claims.Subject, strings.Join(claims.Audience, ",")

	if refusal := matchFederated(client, federated, claims); refusal != nil {
		return refusal
	}
	if refusal := s.checkTime(claims); refusal != nil {
		return refusal
	}
	kid := token.Headers[0].KeyID
	keys, err := s.issuers.keys(ctx, claims.Issuer, kid)
	if err != nil {
		entry.Detail = err.Error()
		return issuerUnreachable()
	}
	if len(keys) == 0 {
		return unknownKey(kid, claims.Issuer)
	}
	for _, key := range keys {
		if token.Claims(key.Key, &jwt.Claims{}) == nil {
			return nil
		}
	}
	return wrongSignature(kid, client.ClientID)
}

func (s *Service) checkTime(claims jwt.Claims) *oauthError {
	var from, until time.Time // Entra ID writes the zero time for one that is missing
	if claims.NotBefore != nil {
		from = claims.NotBefore.Time()
	}
	if claims.Expiry == nil {
		return malformedAssertion("The assertion has no 'exp' claim.")
	}
	until = claims.Expiry.Time()
	now := s.now()
	if now.Before(from.Add(-clockSkew)) || !now.Before(until.Add(clockSkew)) {
		return outOfTime(now, from, until)
	}
	return nil
}

// matchFederated looks for a federated credential with the assertion's issuer, subject
// and audience. The refusal names the first of them that no credential has, or all if
// each is there but never together.
func matchFederated(client arm.Identity, federated []arm.FederatedCredential, claims jwt.Claims) *oauthError {
	audience := strings.Join(claims.Audience, ",")
	var issuer, subject, subjectFolded, audienceFound bool
	for _, credential := range federated {
		if credential.Issuer != claims.Issuer {
			continue
		}
		issuer = true
		hasAudience := slices.ContainsFunc(credential.Audiences, func(a string) bool { return slices.Contains(claims.Audience, a) })
		switch {
		case credential.Subject == claims.Subject && hasAudience:
			return nil
		case credential.Subject == claims.Subject:
			subject = true
		case strings.EqualFold(credential.Subject, claims.Subject):
			subjectFolded = true
		}
		audienceFound = audienceFound || hasAudience
	}
	switch {
	case len(federated) == 0:
		return noFederation(client.ClientID, client.Name)
	case !issuer:
		return noIssuer(claims.Issuer)
	case !subject && subjectFolded:
		return subjectInOtherCase(claims.Subject)
	case !subject:
		return noSubject(claims.Subject)
	case !audienceFound:
		return noAudience(audience)
	default:
		return noMatch(claims.Issuer, claims.Subject, audience)
	}
}
