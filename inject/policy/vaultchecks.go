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

// VaultChecksProblem says what is wrong with a value of vault-checks.
func VaultChecksProblem(value string) finding.Problem {
	if slices.Contains(vaultChecks, value) {
		return finding.Problem{}
	}
	return finding.Problem{Fix: "write " + strings.Join(vaultChecks, ", ")}
}
