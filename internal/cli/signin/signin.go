package signin

import (
	"context"
	"errors"
	"time"

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
	// Firewall is set if it was the vault's network rules.
	Firewall bool
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
	assertion := &keyvault.Assertion{TenantID: a.TenantID, ClientID: a.ClientID, Token: token}
	reader := keyvault.New(keyvault.Options{CallTimeout: timeout, UserAgent: "kubectl-akv", Credential: assertion.Credential})
	state, err := reader.Fresh(ctx, ref, 0)
	code, refused := assertion.Refused()
	switch {
	case err == nil:
		return Outcome{Stage: Through, Exists: state.Exists()}
	case refused:
		return Outcome{Stage: AtExchange, Code: code}
	}
	outcome := Outcome{Stage: AtVault, Reason: keyvault.ReasonOf(err)}
	if unknown, ok := errors.AsType[*keyvault.UnknownError](err); ok {
		outcome.Firewall = unknown.Firewall
	}
	return outcome
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
