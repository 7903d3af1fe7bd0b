package keyvault

import (
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// CredentialFunc makes the credential for one cloud's vaults. The options say which
// cloud and which transport to use, and that nothing is to be tried twice. A [Reader]
// calls it once a cloud, and again after an error.
type CredentialFunc func(options policy.ClientOptions) (azcore.TokenCredential, error)

// WorkloadIdentity is the identity that the workload identity webhook gave the pod, by
// AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE.
func WorkloadIdentity(options policy.ClientOptions) (azcore.TokenCredential, error) {
	return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: options})
}

// CheckWorkloadIdentity returns what the environment lacks of a workload identity, or nil.
// It makes no call.
func CheckWorkloadIdentity() error {
	_, err := WorkloadIdentity(policy.ClientOptions{})
	return err
}

// DefaultIdentity is that of whoever runs the program: environment, workload identity,
// managed identity, or the Azure CLI's login.
func DefaultIdentity(options policy.ClientOptions) (azcore.TokenCredential, error) {
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options})
}

// credentials are made once a cloud: a credential keeps its tokens.
type credentials struct {
	of      CredentialFunc
	options func(suffix string) policy.ClientOptions

	mu   sync.Mutex
	made map[string]azcore.TokenCredential
}

// get gives the credential for the vaults of a cloud, by their suffix.
func (c *credentials) get(suffix string) (azcore.TokenCredential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made, ok := c.made[suffix]; ok {
		return made, nil
	}
	made, err := c.of(c.options(suffix))
	if err != nil {
		return nil, err
	}
	if c.made == nil {
		c.made = map[string]azcore.TokenCredential{}
	}
	c.made[suffix] = made
	return made, nil
}

// sdk are the options of the SDK's clients for a cloud. They try nothing twice: the
// caller's time is short, and the breaker knows better when to come back.
func (o Options) sdk(suffix string) policy.ClientOptions {
	options := policy.ClientOptions{
		Transport: o.Transport,
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{ApplicationID: o.UserAgent},
	}
	for _, h := range clouds {
		if h.suffix == suffix {
			options.Cloud = h.authority
		}
	}
	return options
}
