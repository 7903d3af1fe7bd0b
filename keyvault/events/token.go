package events

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"akv-injector/inject/provider"
	"akv-injector/keyvault"
)

// Senders say whose deliveries are taken.
type Senders struct {
	// Tenant is the Entra ID tenant that gives the tokens, a GUID.
	Tenant string
	// Audience is the application ID or ID URI that the event subscription names.
	Audience string
	// AppID is the application that the token is given to: Event Grid's own.
	AppID string
	// Cloud is the Azure cloud, as cloudName has it; empty is the public one.
	Cloud string
}

// EventGridAppID is Event Grid's application in the public cloud.
const EventGridAppID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"

// maxToken is far more than a token of Entra ID has.
const maxToken = 16 << 10

// Problem says what is missing of the senders, or nothing.
func (s Senders) Problem() string {
	switch {
	case provider.ClientIDProblem(s.Tenant).Found():
		return "the tenant has to be a GUID"
	case s.Audience == "" || strings.ContainsAny(s.Audience, " \t\r\n"):
		return "the audience has to be the application ID or ID URI that the event subscription names"
	case provider.ClientIDProblem(s.AppID).Found():
		return "the sender's application has to be a GUID; Event Grid's in the public cloud is " + EventGridAppID
	}
	return ""
}

// verifier checks the tokens of deliveries.
type verifier struct {
	senders Senders
	issuers []string
	tokens  *oidc.IDTokenVerifier
}

// newVerifier checks tokens with the keys that the tenant publishes.
func newVerifier(ctx context.Context, s Senders, client *http.Client, now func() time.Time) (*verifier, error) {
	authority, err := keyvault.AuthorityHost(s.Cloud)
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(authority, "/") + "/" + strings.ToLower(s.Tenant)
	sts := "https://sts.windows.net/"
	if strings.HasSuffix(authority, ".cn/") {
		sts = "https://sts.chinacloudapi.cn/"
	}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(ctx, client), base+"/discovery/v2.0/keys")
	return &verifier{
		senders: s,
		// The first is of tokens of version 1, which the application asks for unless its manifest
		// says otherwise.
		issuers: []string{sts + strings.ToLower(s.Tenant) + "/", base + "/v2.0"},
		tokens: oidc.NewVerifier("", keys, &oidc.Config{
			ClientID: s.Audience, SkipIssuerCheck: true, SupportedSigningAlgs: []string{oidc.RS256}, Now: now,
		}),
	}, nil
}

var errNoToken = errors.New("no bearer token")

// check is an error unless a delivery has a token of the sender's. It has no word of the token.
func (v *verifier) check(ctx context.Context, header http.Header) error {
	values := header.Values("Authorization")
	if len(values) != 1 {
		return errNoToken
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || len(token) > maxToken {
		return errNoToken
	}
	verified, err := v.tokens.Verify(ctx, token)
	if err != nil {
		return errors.New("the token is not valid: signature, audience or time")
	}
	if !slices.Contains(v.issuers, strings.ToLower(verified.Issuer)) {
		return errors.New("the token is another tenant's")
	}
	var claims struct {
		AppID string `json:"appid"` // version 1
		AZP   string `json:"azp"`   // version 2
	}
	if err := verified.Claims(&claims); err != nil {
		return fmt.Errorf("the token's claims cannot be read")
	}
	if app := claims.AppID + claims.AZP; !strings.EqualFold(app, v.senders.AppID) {
		return errors.New("the token is another application's")
	}
	return nil
}
