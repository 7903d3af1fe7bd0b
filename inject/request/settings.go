package request

import "time"

// Settings are the server's settings, which apply if neither the pod's nor the namespace's
// annotations have one.
type Settings struct {
	// TenantID of the vaults, a GUID or a domain name; empty leaves it to the
	// ServiceAccount's azure.workload.identity/tenant-id.
	TenantID string
	// Cloud is the provider's cloudName; empty means DefaultCloud.
	Cloud string
	// IdentityMode is federated, binding or auto; empty means federated.
	IdentityMode string
	// RotationPollInterval is a Go duration; empty means DefaultInterval.
	RotationPollInterval string
	// AllowedVaults are globs, as in the namespace's annotation allowed-vaults, for namespaces
	// without it; {namespace} stands for their name. Empty allows any vault.
	AllowedVaults string
	// ForbidAllow refuses the allow annotation.
	ForbidAllow bool
	// VaultChecks is off, warn or enforce; empty means off.
	VaultChecks string
	// DrivesRotation is set if akv-injector has the kubelet ask the driver in time, so that new
	// versions arrive within the interval.
	DrivesRotation bool
	// Restarts is set if akv-injector restarts workloads that ask for it when a secret was rotated.
	Restarts bool
	// MountedGate is set if akv-injector can open the readiness gate of pods that ask for it now. No
	// gate is added otherwise: one cannot be taken off again.
	MountedGate bool
	// VaultExpiryWarning is how long before an object expires AKV020 warns; 0 means never.
	VaultExpiryWarning time.Duration
	// Version of the program, written into the status annotation.
	Version string
}

// DefaultVaultExpiryWarning leaves two weeks to renew an object.
const DefaultVaultExpiryWarning = 14 * 24 * time.Hour
