package inject

import (
	"strings"

	"akv-injector/internal/text"
)

// vaultProblem says what keeps a name from being a Key Vault's, or is "". These are
// Azure's own rules for the name, stricter than the provider's [-A-Za-z0-9]{3,24}:
// a vault of another name cannot exist.
func vaultProblem(name string) string {
	switch {
	case !text.IsName(name):
		return "a Key Vault's name has only letters, digits and hyphens; write the name alone, without https:// and .vault.azure.net"
	case len(name) < 3 || len(name) > 24:
		return "a Key Vault's name has 3 to 24 characters; write the name that the vault has"
	case !text.IsAlphanumeric(name[0]) || name[0] <= '9':
		return "a Key Vault's name begins with a letter; write the name that the vault has"
	case name[len(name)-1] == '-' || strings.Contains(name, "--"):
		return "a Key Vault's name neither ends with a hyphen nor has two in a row; write the name that the vault has"
	}
	return ""
}
