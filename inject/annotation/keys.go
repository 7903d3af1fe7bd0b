package annotation

// Prefix begins every annotation and label of akv-injector.
const Prefix = "azure.keyvault.injector/"

// Annotations that a user writes. Objects and MountPath may end with a dot and a
// vault's name: objects.shared-kv.
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
	Rotation              = Prefix + "rotation"
	OnRotation            = Prefix + "on-rotation"
	Settle                = Prefix + "settle"
	RestartWindow         = Prefix + "restart-window"
	MaxParallel           = Prefix + "max-parallel"
	OnEmpty               = Prefix + "on-empty"
	MountedGate           = Prefix + "mounted-gate"
	IdentityMode          = Prefix + "identity-mode"
)

// Values of Rotation.
const (
	RotationOn  = "on"
	RotationOff = "off"
)

// Values of IdentityMode.
const (
	IdentityFederated = "federated"
	IdentityBinding   = "binding"
	IdentityAuto      = "auto"
)

// Annotations and labels that akv-injector writes.
const (
	// Status records on an injected pod what was injected.
	Status = Prefix + "status"
	// LabelInjected marks an injected pod.
	LabelInjected = Prefix + "injected"
	// RefreshedAt is when a running pod was last changed so that the kubelet asks the CSI driver
	// at once. On a new pod it means nothing.
	RefreshedAt       = Prefix + "refreshed-at"
	RefreshedAtFormat = "2006-01-02T15:04:05.000Z"
	// ConditionMounted is the readiness gate, and the pod's condition, by which a pod is not Ready
	// until the driver has recorded all its mounts.
	ConditionMounted = Prefix + "mounted"
	// UnusedSince marks a generated class that no pod references. Its value is the time
	// since when (RFC 3339).
	UnusedSince = Prefix + "unused-since"

	// LabelManagedBy with the value ManagedBy marks a class that akv-injector restores
	// and deletes. It never changes a class without this label.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "akv-injector"
)

// CachedContent marks a class in a cache, whose content was left out. It is never stored, and
// counts for nothing on an object of the API server.
const (
	CachedContent = Prefix + "cached-content"
	// ContentLeftOut is of any class.
	ContentLeftOut = "left-out"
	// ContentIntact is of a generated class whose content is what its name stands for.
	ContentIntact = "intact"
)

// LabelInjection with the value InjectionEnabled on a namespace opts it in.
const (
	LabelInjection   = Prefix + "injection"
	InjectionEnabled = "enabled"
)
