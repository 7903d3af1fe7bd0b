package policy

import (
	"slices"
	"strings"

	"akv-injector/inject/finding"
)

// Values of the annotation vault-checks and of the server's setting.
const (
	VaultChecksOff     = "off"
	VaultChecksWarn    = "warn"
	VaultChecksEnforce = "enforce"
)

var vaultChecks = []string{VaultChecksOff, VaultChecksWarn, VaultChecksEnforce}

// VaultChecksProblem is what is wrong with a value of vault-checks, if anything.
func VaultChecksProblem(value string) finding.Problem {
	if slices.Contains(vaultChecks, value) {
		return finding.Problem{}
	}
	return finding.Problem{Fix: "write " + strings.Join(vaultChecks, ", ")}
}
