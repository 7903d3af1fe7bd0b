package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/request"
)

// Settings are the server's own, behind the pod's and the namespace's annotations.
type Settings = request.Settings

// DefaultVaultExpiryWarning leaves two weeks to renew what expires.
const DefaultVaultExpiryWarning = request.DefaultVaultExpiryWarning

// Values of the setting and the annotation vault-checks.
const (
	VaultChecksOff     = policy.VaultChecksOff
	VaultChecksWarn    = policy.VaultChecksWarn
	VaultChecksEnforce = policy.VaultChecksEnforce
)

// VaultChecksProblem says what is wrong with a value of vault-checks.
func VaultChecksProblem(value string) finding.Problem { return policy.VaultChecksProblem(value) }

// AllowsVault reports whether the fence of a namespace lets a vault through.
func AllowsVault(ns *corev1.Namespace, vault string) bool {
	fence, _ := policy.ParseFence(ns)
	return fence.Allows(vault)
}
