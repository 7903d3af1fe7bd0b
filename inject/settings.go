package inject

// Settings are the server's own: the last place where a setting is looked for,
// behind the pod's and the namespace's annotations.
type Settings struct {
	// TenantID of the vaults, a GUID or a domain name; empty leaves it to the
	// ServiceAccount's azure.workload.identity/tenant-id.
	TenantID string
	// Cloud is the provider's cloudName; empty means DefaultCloud.
	Cloud string
	// RotationPollInterval is a Go duration; empty means DefaultInterval.
	RotationPollInterval string
	// ForbidAllow refuses the allow annotation.
	ForbidAllow bool
	// Version of the program, written into the status annotation.
	Version string
}

// Defaults of the settings that have one.
const (
	DefaultCloud     = "AzurePublicCloud"
	DefaultInterval  = "2m"
	defaultMountPath = "/mnt/secrets-store"
	// On Windows the kubelet would put the Linux default at the same place of drive C:.
	defaultMountPathWindows = `C:\mnt\secrets-store`
)
