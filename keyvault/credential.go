package keyvault

import (
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

// DefaultIdentity is that of whoever runs the program: environment, workload identity,
// managed identity, or the Azure CLI's login.
func DefaultIdentity(options policy.ClientOptions) (azcore.TokenCredential, error) {
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options})
}
