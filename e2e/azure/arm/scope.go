package arm

import "strings"

// scope is where a role is assigned: a subscription, a resource group, a vault, or an
// object in a vault. The fields below its level are empty.
type scope struct {
	subscription, group, vault, object string // object is "secrets/NAME"
}

// parseScope reads a resource id, such as
// /subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/V/secrets/N.
func parseScope(id string) (scope, error) {
	wrong := BadRequest("The scope '%s' is not the resource id of a subscription, a resource group, a vault (…/providers/Microsoft.KeyVault/vaults/NAME), or a secret, key or certificate in one (…/secrets/NAME).", id)
	parts := strings.Split(strings.Trim(fold(id), "/"), "/")
	// The words of each part, empty for names, and where a scope may end.
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

// covers reports whether a role assigned here is valid there: at the same level, or
// anywhere below it.
func (s scope) covers(there scope) bool {
	return s.subscription == there.subscription &&
		(s.group == "" || s.group == there.group) &&
		(s.vault == "" || s.vault == there.vault) &&
		(s.object == "" || s.object == there.object)
}
