package arm

import (
	"slices"
	"strings"
)

// scope is where a role is assigned: a subscription, a resource group, a vault or storage
// account, or an object in one. The fields below its level are empty.
type scope struct {
	subscription, group string
	resource            string // "vaults/NAME" or "storageaccounts/NAME"
	object              string // "secrets/NAME" or "queues/NAME", say
}

// parseScope reads a resource id, such as
// /subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/V/secrets/N.
func parseScope(id string) (scope, error) {
	wrong := BadRequest("The scope '%s' is not the resource id of a subscription, a resource group, a vault (…/providers/Microsoft.KeyVault/vaults/NAME), a secret, key or certificate in one (…/secrets/NAME), a storage account (…/providers/Microsoft.Storage/storageAccounts/NAME), or a queue in one (…/queueServices/default/queues/NAME).", id)
	parts := strings.Split(strings.Trim(fold(id), "/"), "/")
	if slices.Contains(parts, "") {
		return scope{}, wrong
	}
	has := func(from int, words ...string) bool {
		return len(parts) >= from+len(words) && slices.Equal(parts[from:from+len(words)], words)
	}
	if len(parts) < 2 || !has(0, "subscriptions") {
		return scope{}, wrong
	}
	s := scope{subscription: parts[1]}
	if len(parts) == 2 {
		return s, nil
	}
	if len(parts) < 4 || !has(2, "resourcegroups") {
		return scope{}, wrong
	}
	s.group = parts[3]
	switch {
	case len(parts) == 4:
		return s, nil
	case len(parts) < 8:
		return scope{}, wrong
	case has(4, "providers", "microsoft.keyvault", "vaults"), has(4, "providers", "microsoft.storage", "storageaccounts"):
		s.resource = parts[6] + "/" + parts[7]
	default:
		return scope{}, wrong
	}
	vault := parts[6] == "vaults"
	switch {
	case len(parts) == 8:
		return s, nil
	case vault && len(parts) == 10 && slices.Contains([]string{"secrets", "keys", "certificates"}, parts[8]):
		s.object = parts[8] + "/" + parts[9]
	case !vault && len(parts) == 12 && has(8, "queueservices", "default", "queues"):
		s.object = "queues/" + parts[11]
	default:
		return scope{}, wrong
	}
	return s, nil
}

// covers reports whether a role assigned here is valid there: at the same level, or
// anywhere below it.
func (s scope) covers(there scope) bool {
	return s.subscription == there.subscription &&
		(s.group == "" || s.group == there.group) &&
		(s.resource == "" || s.resource == there.resource) &&
		(s.object == "" || s.object == there.object)
}
