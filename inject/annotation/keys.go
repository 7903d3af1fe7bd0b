package annotation

// Prefix begins every annotation and label of akv-injector.
const Prefix = "azure.keyvault.injector/"

// Annotations that a user writes. Objects and MountPath also exist with a vault's name
// behind a dot: objects.shared-kv.
const (
	Objects               = Prefix + "objects"
	Vault                 = Prefix + "vault"
	SecretProviderClass   = Prefix + "secret-provider-class"
	ServiceAccount        = Prefix + "service-account"
	ClientID              = Prefix + "client-id"
	TenantID              = Prefix + "tenant-id"
	Cloud                 = Prefix + "cloud"
	RotationPollInterval  = Prefix + "rotation-poll-interval"
	MountPath             = Prefix + "mount-path"
	Containers            = Prefix + "containers"
	Env                   = Prefix + "env"
	WorkloadIdentityLabel = Prefix + "workload-identity-label"
	Inject                = Prefix + "inject"
	Allow                 = Prefix + "allow"
	AllowedVaults         = Prefix + "allowed-vaults"
	RotationPolicy        = Prefix + "rotation-policy"
	VaultChecks           = Prefix + "vault-checks"
)

// What akv-injector itself writes.
const (
	// Status holds, on an injected pod, what it was given.
	Status = Prefix + "status"
	// LabelInjected marks an injected pod.
	LabelInjected = Prefix + "injected"
	// UnusedSince marks a generated class that no pod names, with the time (RFC 3339)
	// since when.
	UnusedSince = Prefix + "unused-since"

	// LabelManagedBy with the value ManagedBy marks a class as ours to restore and
	// collect. A class without it is never touched.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "akv-injector"
)

// LabelInjection with the value InjectionEnabled on a namespace opts it in.
const (
	LabelInjection   = Prefix + "injection"
	InjectionEnabled = "enabled"
)
