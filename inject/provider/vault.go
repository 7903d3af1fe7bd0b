package provider

import (
	"strings"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// VaultProblem is what is wrong with the name of a Key Vault, if anything. These are Azure's
// own rules, stricter than the provider's [-A-Za-z0-9]{3,24}: no vault with another name can
// exist.
func VaultProblem(name string) finding.Problem {
	switch {
	case vaultAddressProblem(name).Found():
		return vaultAddressProblem(name)
	case !text.IsName(name):
		return finding.Problem{What: "a Key Vault's name has only letters, digits and hyphens", Fix: "write the name alone, without https:// and .vault.azure.net"}
	case len(name) < 3 || len(name) > 24:
		return finding.Problem{What: "a Key Vault's name has 3 to 24 characters", Fix: "write the name that the vault has"}
	case !text.IsAlphanumeric(name[0]) || name[0] <= '9':
		return finding.Problem{What: "a Key Vault's name begins with a letter", Fix: "write the name that the vault has"}
	case name[len(name)-1] == '-' || strings.Contains(name, "--"):
		return finding.Problem{What: "a Key Vault's name neither ends with a hyphen nor has two in a row", Fix: "write the name that the vault has"}
	}
	return finding.Problem{}
}
