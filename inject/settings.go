package inject

import (
	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/finding"
	"akv-injector/inject/policy"
	"akv-injector/inject/request"
)

// Settings are the settings of the server. Annotations of the pod and its namespace override its
// defaults.
type Settings = request.Settings

// DefaultVaultExpiryWarning leaves two weeks to renew an object that expires.
const DefaultVaultExpiryWarning = request.DefaultVaultExpiryWarning

// Values of the setting and the annotation vault-checks.
const (
	VaultChecksOff     = policy.VaultChecksOff
	VaultChecksWarn    = policy.VaultChecksWarn
	VaultChecksEnforce = policy.VaultChecksEnforce
)

// VaultChecksProblem returns what is wrong with a value of vault-checks, if anything.
func VaultChecksProblem(value string) finding.Problem { return policy.VaultChecksProblem(value) }

// IdentityModeProblem returns what is wrong with a value of the setting IdentityMode, if anything.
func IdentityModeProblem(value string) finding.Problem { return request.IdentityModeProblem(value) }

// DefaultFenceProblem returns what is wrong with a value of the setting AllowedVaults, if
// anything.
func DefaultFenceProblem(value string) finding.Problem { return policy.DefaultFenceProblem(value) }

// AllowsVault reports whether the fence of a namespace, or else the cluster's default, allows a
// vault.
func AllowsVault(ns *corev1.Namespace, clusterDefault, vault string) bool {
	fence, _ := policy.ParseFence(ns, clusterDefault)
	return fence.Allows(vault)
}

// FenceNames reports whether there is a fence, and it allows the vault: without one, whatever a
// tenant names would be allowed.
func FenceNames(ns *corev1.Namespace, clusterDefault, vault string) bool {
	fence, _ := policy.ParseFence(ns, clusterDefault)
	return fence.IsSet() && fence.Allows(vault)
}
