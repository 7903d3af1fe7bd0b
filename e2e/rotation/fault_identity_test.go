package rotation_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/system"
)

// wrongIdentity: Entra ID does not take the pod's token for the identity's, or the vault
// does not let the identity read the secret.
func wrongIdentity(t *testing.T, s *system.System) {
	for _, f := range []fault{
		{
			name: "NoFederation", says: "AADSTS70025",
			breaks: (*system.Tenant).Unfederate,
		},
		{
			name: "Subject", says: "AADSTS700213",
			breaks: func(t *system.Tenant) error {
				return t.FederateAs(t.Issuer, "system:serviceaccount:"+t.Namespace+":default", system.Audience)
			},
		},
		{
			name: "Audience", says: "AADSTS700212",
			breaks: func(t *system.Tenant) error { return t.FederateAs(t.Issuer, t.Subject(), "api://Another") },
		},
		{
			name: "Issuer", says: "AADSTS700211",
			breaks: func(t *system.Tenant) error { return t.FederateAs(t.Issuer+"/", t.Subject(), system.Audience) },
		},
		{
			name: "NoRole", says: "ForbiddenByRbac", met: metVault,
			breaks: func(t *system.Tenant) error { return t.Revoke(t.Vault, system.RoleSecretsUser) },
			fixes:  func(t *system.Tenant) error { return t.Grant(t.Vault, system.RoleSecretsUser) },
		},
		{
			name: "Disabled", says: "SecretDisabled", met: metVault,
			breaks: func(t *system.Tenant) error {
				disabled := false
				_, err := t.Azure.Vault().SetSecret(t.Vault, secret, "new value", vault.Attributes{Enabled: &disabled})
				return err
			},
			changes: nothing,
			fixes:   enable,
		},
		{
			name: "Deleted", says: "SecretNotFound", met: metVault,
			breaks:  func(t *system.Tenant) error { return t.Azure.Vault().Delete(t.Vault, vault.Secret, secret) },
			changes: nothing,
			fixes: func(t *system.Tenant) error {
				if err := t.Azure.Vault().Recover(t.Vault, vault.Secret, secret); err != nil {
					return err
				}
				return newVersion("new value")(t)
			},
		},
	} {
		f.tries = 1
		if f.met == nil {
			f.met = metEntra
			f.fixes = func(t *system.Tenant) error { return t.Federate(context.Background()) }
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			f.run(t, s)
		})
	}
}

// enable enables every version of the secret.
func enable(t *system.Tenant) error {
	versions, err := t.Azure.Vault().Versions(t.Vault, vault.Secret, secret)
	if err != nil {
		return err
	}
	enabled := true
	for _, v := range versions {
		if err := t.Azure.Vault().SetAttributes(t.Vault, vault.Secret, secret, v.Version, vault.Attributes{Enabled: &enabled}); err != nil {
			return err
		}
	}
	return nil
}

// metEntra counts the tokens that the tenant's identity is refused from now on. It goes by
// the time, since a log forgets its oldest entries.
func metEntra(t *system.Tenant) func() int {
	since := time.Now()
	return func() int {
		count := 0
		for _, request := range t.Azure.TokenRequests() {
			if request.ClientID == t.ClientID && request.Outcome != "ok" && request.Time.After(since) {
				count++
			}
		}
		return count
	}
}

// metVault counts what the tenant's vault refuses from now on, apart from first requests,
// which have no token yet and ask where to get one.
func metVault(t *system.Tenant) func() int {
	since := time.Now()
	return func() int {
		count := 0
		for _, call := range t.Azure.Vault().Audit() {
			if call.Vault == t.Vault && call.Status >= http.StatusBadRequest && call.Status != http.StatusUnauthorized &&
				call.Time.After(since) {
				count++
			}
		}
		return count
	}
}
