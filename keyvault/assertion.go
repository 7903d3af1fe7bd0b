package keyvault

import (
	"context"
	"regexp"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Assertion is an identity by a token that Entra ID exchanges, such as one of a ServiceAccount. It remembers how the exchange went.
type Assertion struct {
	TenantID, ClientID, Token string

	mu      sync.Mutex
	refused bool
	code    string
}

// Credential is a [CredentialFunc].
func (a *Assertion) Credential(options policy.ClientOptions) (azcore.TokenCredential, error) {
	made, err := azidentity.NewClientAssertionCredential(a.TenantID, a.ClientID,
		func(context.Context) (string, error) { return a.Token, nil }, &azidentity.ClientAssertionCredentialOptions{ClientOptions: options})
	if err != nil {
		return nil, err
	}
	return &exchange{a, made}, nil
}

// Refused reports whether there was no token for it, with Entra ID's code, such as AADSTS700213, if it gave one.
func (a *Assertion) Refused() (code string, refused bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.code, a.refused
}

type exchange struct {
	of *Assertion
	azcore.TokenCredential
}

var entraCode = regexp.MustCompile(`AADSTS[0-9]{4,9}`)

func (e *exchange) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	// The vault names its own tenant. The provider asks that of the class all the same, and so does this: what Entra ID says of a wrong one is
	// what is wanted.
	options.TenantID = ""
	token, err := e.TokenCredential.GetToken(ctx, options)
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	if e.of.refused = err != nil; e.of.refused {
		// The rest of its text is Entra ID's.
		e.of.code = entraCode.FindString(err.Error())
	}
	return token, err
}
