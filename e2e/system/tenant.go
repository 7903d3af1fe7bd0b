package system

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/vault"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// Roles that workloads have in vaults, and the audience of their tokens.
const (
	RoleSecretsUser     = "Key Vault Secrets User"
	RoleCertificateUser = "Key Vault Certificate User"
	RoleCryptoUser      = "Key Vault Crypto User"
	Audience            = "api://AzureADTokenExchange"
)

// Account is the name of every tenant's service account.
const Account = "workload-identity-sa"

// Tenant is one team's share of a system: a namespace that has opted in, a vault, an
// identity that may read the vault's secrets, and the service account that stands for it.
// All have the same name.
type Tenant struct {
	*System
	Namespace string
	Vault     string
	ClientID  string
	Principal string
}

// NewTenant makes a tenant. The name has 3 to 24 lower-case letters, digits and hyphens.
func (s *System) NewTenant(ctx context.Context, name string) (*Tenant, error) {
	return s.tenantIn(ctx, name, map[string]string{annotation.LabelInjection: annotation.InjectionEnabled})
}

// NewPlainTenant makes a tenant whose namespace has not opted in: akv-injector does not
// hear of what is written there.
func (s *System) NewPlainTenant(ctx context.Context, name string) (*Tenant, error) {
	return s.tenantIn(ctx, name, nil)
}

func (s *System) tenantIn(ctx context.Context, name string, labels map[string]string) (*Tenant, error) {
	identity, err := s.Azure.CreateIdentity(arm.Identity{Name: name})
	if err != nil {
		return nil, err
	}
	t := &Tenant{System: s, Namespace: name, Vault: name, ClientID: identity.ClientID, Principal: identity.PrincipalID}
	if err := t.CreateVault(name); err != nil {
		return nil, err
	}
	if err := t.Federate(ctx); err != nil {
		return nil, err
	}
	if err := s.CreateNamespace(ctx, name, labels, nil); err != nil {
		return nil, err
	}
	return t, s.API.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Name: Account, Namespace: name,
		Annotations: map[string]string{
			provider.AnnotationClientID: t.ClientID,
			provider.AnnotationTenantID: s.Azure.TenantID(),
		},
	}})
}

// CreateVault makes a vault whose secrets the tenant's identity may read.
func (t *Tenant) CreateVault(name string) error {
	if _, err := t.Azure.CreateVault("", name); err != nil {
		return err
	}
	return t.Grant(name, RoleSecretsUser)
}

// Grant gives the tenant's identity roles in a vault.
func (t *Tenant) Grant(vaultName string, roles ...string) error {
	scope, err := t.Azure.VaultScope(vaultName)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if _, err := t.Azure.AssignRole(role, t.Principal, scope); err != nil {
			return err
		}
	}
	return nil
}

// Revoke takes a role in a vault away.
func (t *Tenant) Revoke(vaultName, role string) error {
	scope, err := t.Azure.VaultScope(vaultName)
	if err != nil {
		return err
	}
	return t.Azure.UnassignRole(role, t.Principal, scope)
}

// federated is the name of the credential that Federate makes.
const federated = "kubernetes"

// Subject is what the tokens of the tenant's service account say they are about.
func (t *Tenant) Subject() string {
	return fmt.Sprintf("system:serviceaccount:%s:%s", t.Namespace, Account)
}

// Federate lets the tenant's service account be its identity.
func (t *Tenant) Federate(context.Context) error {
	return t.FederateAs(t.Issuer, t.Subject(), Audience)
}

// FederateAs replaces the identity's federated credential.
func (t *Tenant) FederateAs(issuer, subject, audience string) error {
	if err := t.Unfederate(); err != nil {
		return err
	}
	_, err := t.Azure.CreateFederatedCredential("", t.Namespace, arm.FederatedCredential{
		Name: federated, Issuer: issuer, Subject: subject, Audiences: []string{audience},
	})
	return err
}

// Unfederate removes the identity's federated credentials.
func (t *Tenant) Unfederate() error {
	all, err := t.Azure.FederatedCredentials("", t.Namespace)
	if err != nil {
		return err
	}
	for _, credential := range all {
		if err := t.Azure.DeleteFederatedCredential("", t.Namespace, credential.Name); err != nil {
			return err
		}
	}
	return nil
}

// SetSecret sets a secret in the tenant's vault, and gives its version.
func (t *Tenant) SetSecret(name, value string) (version string, err error) {
	return t.Azure.Vault().SetSecret(t.Vault, name, value, vault.Attributes{})
}
