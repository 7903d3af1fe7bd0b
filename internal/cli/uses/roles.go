package uses

import (
	"cmp"
	"slices"

	"akv-injector/inject/provider"
)

// Role is a role that an identity needs, and would do.
type Role struct {
	// ClientID of the identity, or, where that is not known, the service account that stands for it.
	ClientID string `json:"clientID,omitempty"`
	Account  string `json:"serviceAccount,omitempty"`
	// Role is the name of a role of Azure.
	Role  string `json:"role"`
	Vault string `json:"vault"`
	// Type of the objects that it is for.
	Type string `json:"type"`
	// Objects that it is needed for: it may be assigned to each of them, or to the vault.
	Objects []string `json:"objects"`
}

// roles are the least of Azure's built-in roles with which the provider 1.8.2 reads an object of a type: it gets secrets,
// the public part of keys, and certificates.
var roles = map[string]string{
	provider.TypeSecret: "Key Vault Secrets User",
	provider.TypeKey:    "Key Vault Crypto User",
	provider.TypeCert:   "Key Vault Certificate User",
}

// RoleFor is the least role for objects of a type, or "".
func RoleFor(objectType string) string { return roles[objectType] }

// Roles are the least roles for uses.
func Roles(rows []Row) []Role {
	all := []Role{}
	for _, row := range rows {
		role := Role{ClientID: row.Identity.ClientID, Role: roles[row.Type], Vault: row.Vault, Type: row.Type}
		if role.Role == "" {
			continue
		}
		if role.ClientID == "" {
			role.Account = row.Namespace + "/" + row.Identity.Account
		}
		i := slices.IndexFunc(all, func(r Role) bool {
			return r.ClientID == role.ClientID && r.Account == role.Account && r.Role == role.Role && r.Vault == role.Vault
		})
		if i < 0 {
			i = len(all)
			all = append(all, role)
		}
		if !slices.Contains(all[i].Objects, row.Object) {
			all[i].Objects = append(all[i].Objects, row.Object)
		}
	}
	slices.SortStableFunc(all, func(a, b Role) int {
		return cmp.Or(cmp.Compare(a.ClientID, b.ClientID), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Vault, b.Vault), cmp.Compare(a.Role, b.Role))
	})
	return all
}
