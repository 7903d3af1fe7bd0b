package rotation_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/system"
)

// sdk reads the tenant's vault with the Azure SDK's clients, as the tenant's identity.
type sdk struct {
	keys         *azkeys.Client
	certificates *azcertificates.Client
}

func newSDK(t *testing.T, tenant *system.Tenant) sdk {
	t.Helper()
	return newSDKAs(t, tenant, tenant.Azure.TenantID(), tenant.ClientID, func(ctx context.Context) (string, error) {
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{system.Audience}}}
		answer, err := tenant.Client.CoreV1().ServiceAccounts(tenant.Namespace).
			CreateToken(ctx, system.Account, request, metav1.CreateOptions{})
		if err != nil {
			return "", err
		}
		return answer.Status.Token, nil
	})
}

// newSDKAs logs in as a client of a directory, with an assertion.
func newSDKAs(t *testing.T, tenant *system.Tenant, directory, client string, assertion func(context.Context) (string, error)) sdk {
	t.Helper()
	options := policy.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: tenant.Azure.LoginEndpoint()},
		Transport: tenant.Azure.Client(),
	}
	credential, err := azidentity.NewClientAssertionCredential(directory, client, assertion,
		&azidentity.ClientAssertionCredentialOptions{ClientOptions: options})
	check(t, err)
	url := tenant.Azure.VaultURL(tenant.Vault)
	keys, err := azkeys.NewClient(url, credential, &azkeys.ClientOptions{ClientOptions: options})
	check(t, err)
	certificates, err := azcertificates.NewClient(url, credential, &azcertificates.ClientOptions{ClientOptions: options})
	check(t, err)
	return sdk{keys, certificates}
}

// key is the public half of a key's newest version.
func (s sdk) key(t *testing.T, name string) any {
	t.Helper()
	answer, err := s.keys.GetKey(t.Context(), name, "", nil)
	check(t, err)
	k := answer.Key
	if *k.Kty == azkeys.KeyTypeRSA {
		return &rsa.PublicKey{N: new(big.Int).SetBytes(k.N), E: int(new(big.Int).SetBytes(k.E).Int64())}
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, k.X...), k.Y...))
	check(t, err)
	return public
}

// certificate is a certificate's newest version.
func (s sdk) certificate(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	answer, err := s.certificates.GetCertificate(t.Context(), name, "", nil)
	check(t, err)
	parsed, err := x509.ParseCertificate(answer.CER)
	check(t, err)
	return parsed
}
