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

// Roles are the least roles for uses.
func Roles(rows []Row) []Role {
	all := []Role{}
	for _, row := range rows {
		role := Role{ClientID: row.Identity.ClientID, Role: provider.AccessTo(row.Type).Role, Vault: row.Vault, Type: row.Type}
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
