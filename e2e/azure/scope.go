package azure

import (
	"strings"
)

// scope is a place that a role is assigned at. Fields further down are empty where
// it stands higher: a subscription, a resource group, a vault, or an object in it.
type scope struct {
	subscription, group, vault, object string // object is "secrets/NAME"
}

// parseScope reads a resource id, such as
// /subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/V/secrets/N.
func parseScope(id string) (scope, error) {
	wrong := badRequest("The scope '%s' is not the resource id of a subscription, a resource group, a vault (…/providers/Microsoft.KeyVault/vaults/NAME), or a secret, key or certificate in one (…/secrets/NAME).", id)
	parts := strings.Split(strings.Trim(fold(id), "/"), "/")
	// What stands at each place, and where a scope may end.
	words := []string{"subscriptions", "", "resourcegroups", "", "providers", "microsoft.keyvault", "vaults", ""}
	switch len(parts) {
	case 2, 4, 8, 10:
	default:
		return scope{}, wrong
	}
	for i, part := range parts[:min(len(parts), len(words))] {
		if part == "" || words[i] != "" && words[i] != part {
			return scope{}, wrong
		}
	}
	s := scope{subscription: parts[1]}
	if len(parts) >= 4 {
		s.group = parts[3]
	}
	if len(parts) >= 8 {
		s.vault = parts[7]
	}
	if len(parts) == 10 {
		switch parts[8] {
		case "secrets", "keys", "certificates":
		default:
			return scope{}, wrong
		}
		if parts[9] == "" {
			return scope{}, wrong
		}
		s.object = parts[8] + "/" + parts[9]
	}
	return s, nil
}

// covers says whether a role assigned here holds there: at the same place, or
// anywhere below it.
func (s scope) covers(there scope) bool {
	return s.subscription == there.subscription &&
		(s.group == "" || s.group == there.group) &&
		(s.vault == "" || s.vault == there.vault) &&
		(s.object == "" || s.object == there.object)
}
