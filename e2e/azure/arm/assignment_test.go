package arm_test

import (
	"strings"
	"testing"
)

func TestAssignRoleRefuses(t *testing.T) {
	s, identity := newSubscription(t)
	found, err := s.Vault(vaultName)
	if err != nil {
		t.Fatal(err)
	}
	scope := found.ID
	for name, test := range map[string]struct{ role, assignee, scope, want string }{
		"role":                   {"Key Vault Secret User", identity.PrincipalID, scope, "Role 'Key Vault Secret User' doesn't exist."},
		"assignee":               {"Key Vault Secrets User", "00000000-0000-0000-0000-000000000001", scope, "Cannot find user or service principal"},
		"vault that is not":      {"Key Vault Secrets User", identity.PrincipalID, scope + "x", "was not found"},
		"subscription":           {"Key Vault Secrets User", identity.PrincipalID, "/subscriptions/other", "could not be found"},
		"scope: a vault's name":  {"Key Vault Secrets User", identity.PrincipalID, vaultName, "is not the resource id of"},
		"scope: a vault's URL":   {"Key Vault Secrets User", identity.PrincipalID, found.Properties.VaultURI, "is not the resource id of"},
		"scope: half an object":  {"Key Vault Secrets User", identity.PrincipalID, scope + "/secrets", "is not the resource id of"},
		"scope: of no kind":      {"Key Vault Secrets User", identity.PrincipalID, scope + "/things/x", "is not the resource id of"},
		"scope: another service": {"Key Vault Secrets User", identity.PrincipalID, strings.Replace(scope, "KeyVault", "Storage", 1), "is not the resource id of"},
	} {
		if _, err := s.AssignRole(test.role, test.assignee, test.scope); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: want …%s…, got %v", name, test.want, err)
		}
	}
}

// A vault takes its role assignments with it: one of the same name begins without any.
func TestRemoveVaultRemovesItsAssignments(t *testing.T) {
	const action = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	s, identity := newSubscription(t)
	scope, err := s.ObjectScope(vaultName, "secrets", "DB-Password")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AssignRole("Key Vault Secrets User", identity.ClientID, scope); err != nil {
		t.Fatal(err)
	}
	if !s.Allowed(identity.PrincipalID, vaultName, "secrets/db-password", action) {
		t.Error("the role does not allow to read the secret")
	}
	s.RemoveVault(vaultName)
	if _, err := s.Vault(vaultName); err == nil {
		t.Error("the vault is still there")
	}
	s.AddVault("", vaultName)
	if left := s.RoleAssignments(); len(left) != 0 || s.Allowed(identity.PrincipalID, vaultName, "secrets/db-password", action) {
		t.Errorf("left behind: %+v", left)
	}
}
