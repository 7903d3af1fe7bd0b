package signin

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"akv-injector/inject/provider"
	"akv-injector/keyvault"
)

// Account is a ServiceAccount, and the identity that it stands for.
type Account struct {
	Client             kubernetes.Interface
	Namespace, Name    string
	ClientID, TenantID string
	// Timeout of each call; 0 is 5 seconds.
	Timeout time.Duration
}

// Stage is how far an attempt got.
type Stage string

// Stages, in order.
const (
	AtToken    Stage = "token"    // the API server gave no token of the account
	AtExchange Stage = "exchange" // Entra ID did not exchange it
	AtVault    Stage = "vault"    // the vault did not answer the identity
	Through    Stage = "through"
)

// Outcome is what came of an attempt.
type Outcome struct {
	Stage Stage
	// Code of Entra ID, such as AADSTS700213; empty if it gave none.
	Code string
	// Reason why the vault did not answer.
	Reason keyvault.Reason
	// Err is that of the API server.
	Err error
	// Exists says whether the vault has the object.
	Exists bool
}

// String says where it ended.
func (o *Outcome) String() string {
	switch o.Stage {
	case AtToken:
		return "the API server gave no token of the ServiceAccount: " + o.Err.Error()
	case AtExchange:
		if o.Code == "" {
			return "Entra ID could not be reached, or gave no token"
		}
		return "Entra ID did not exchange the token: " + o.Code
	case AtVault:
		return "the vault did not list the object's versions: " + string(o.Reason)
	case Through:
	}
	return "the identity may read the object's metadata"
}

const (
	defaultTimeout = 5 * time.Second
	// tokenSeconds is the least that an API server gives.
	tokenSeconds = 600
)

// Try asks a vault about an object as the account.
func (a *Account) Try(ctx context.Context, ref keyvault.Ref) Outcome {
	timeout := a.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	token, err := a.token(ctx, timeout)
	if err != nil {
		return Outcome{Stage: AtToken, Err: err}
	}
	exchange := &exchange{}
	reader := keyvault.New(keyvault.Options{
		CallTimeout: timeout, UserAgent: "kubectl-akv",
		Credential: func(options policy.ClientOptions) (azcore.TokenCredential, error) {
			made, err := azidentity.NewClientAssertionCredential(a.TenantID, a.ClientID,
				func(context.Context) (string, error) { return token, nil }, &azidentity.ClientAssertionCredentialOptions{ClientOptions: options})
			exchange.TokenCredential = made
			return exchange, err
		},
	})
	state, err := reader.Fresh(ctx, ref, 0)
	failed, code := exchange.outcome()
	switch {
	case err == nil:
		return Outcome{Stage: Through, Exists: state.Exists()}
	case failed:
		return Outcome{Stage: AtExchange, Code: code}
	}
	return Outcome{Stage: AtVault, Reason: keyvault.ReasonOf(err)}
}

func (a *Account) token(ctx context.Context, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	seconds := int64(tokenSeconds)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{provider.TokenAudience}, ExpirationSeconds: &seconds}}
	answer, err := a.Client.CoreV1().ServiceAccounts(a.Namespace).CreateToken(ctx, a.Name, request, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	return answer.Status.Token, nil
}

// exchange remembers how the exchange went.
type exchange struct {
	azcore.TokenCredential

	mu     sync.Mutex
	failed bool
	code   string
}

var codes = regexp.MustCompile(`AADSTS[0-9]{4,9}`)

func (e *exchange) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := e.TokenCredential.GetToken(ctx, options)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failed = err != nil; e.failed {
		// The rest of its text is Entra ID's.
		e.code = codes.FindString(err.Error())
	}
	if err != nil {
		return token, fmt.Errorf("exchange: %w", err)
	}
	return token, nil
}

func (e *exchange) outcome() (failed bool, code string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failed, e.code
}
