// Package sdktest has clients of the Azure SDK for tests of the stand-in.
package sdktest

import (
	"context"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Options returns the SDK's options for an Entra ID at the URL login. There are no retries,
// which only make failing tests slow.
func Options(client *http.Client, login string) policy.ClientOptions {
	return policy.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: login},
		Transport: client,
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}
}

// Credential returns the credential of a workload whose token file contains an assertion.
func Credential(tb testing.TB, options policy.ClientOptions, tenant, client, assertion string) *azidentity.ClientAssertionCredential {
	tb.Helper()
	credential, err := azidentity.NewClientAssertionCredential(tenant, client,
		func(context.Context) (string, error) { return assertion, nil },
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: options})
	if err != nil {
		tb.Fatal(err)
	}
	return credential
}
