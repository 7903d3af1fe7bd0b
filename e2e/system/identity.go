package system

import (
	"context"
	"os"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/injector"
)

// RoleReader lets an identity read all but the values.
const RoleReader = "Key Vault Reader"

// injectorIdentity makes an identity for akv-injector, if there is to be one: the environment that
// the workload identity webhook would give its pod, and what the kubelet would do with its token.
func (s *System) injectorIdentity() (env []string, project func(context.Context) error, err error) {
	if !s.Options.InjectorIdentity {
		return nil, func(context.Context) error { return nil }, nil
	}
	identity, err := s.Azure.CreateIdentity(arm.Identity{Name: injector.ServiceAccount})
	if err != nil {
		return nil, nil, err
	}
	s.InjectorPrincipal = identity.PrincipalID
	_, err = s.Azure.CreateFederatedCredential("", identity.Name, arm.FederatedCredential{
		Name: federated, Issuer: s.Issuer, Audiences: []string{Audience},
		Subject: "system:serviceaccount:" + injector.Namespace + ":" + injector.ServiceAccount,
	})
	if err != nil {
		return nil, nil, err
	}
	token := filepath.Join(os.TempDir(), "akv-injector-token")
	env = []string{
		"AZURE_CLIENT_ID=" + identity.ClientID, "AZURE_TENANT_ID=" + s.Azure.TenantID(),
		"AZURE_FEDERATED_TOKEN_FILE=" + token, "AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/",
		"SSL_CERT_FILE=" + s.Azure.CAFile(),
	}
	return env, func(ctx context.Context) error {
		seconds := int64(24 * 3600)
		answer, err := s.Client.CoreV1().ServiceAccounts(injector.Namespace).CreateToken(ctx, injector.ServiceAccount,
			&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{Audience}, ExpirationSeconds: &seconds}},
			metav1.CreateOptions{})
		if err != nil {
			return err
		}
		return os.WriteFile(token, []byte(answer.Status.Token), 0o600)
	}, nil
}

// GrantInjector lets akv-injector read the metadata of a vault.
func (s *System) GrantInjector(vault string) error {
	scope, err := s.Azure.VaultScope(vault)
	if err != nil {
		return err
	}
	_, err = s.Azure.AssignRole(RoleReader, s.InjectorPrincipal, scope)
	return err
}

// RevokeInjector takes from akv-injector the right to read the metadata of a vault.
func (s *System) RevokeInjector(vault string) error {
	scope, err := s.Azure.VaultScope(vault)
	if err != nil {
		return err
	}
	return s.Azure.UnassignRole(RoleReader, s.InjectorPrincipal, scope)
}
