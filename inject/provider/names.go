package provider

// Names that the driver, the provider and the workload identity webhook use.
const (
	// DriverName is the Secrets Store CSI driver's.
	DriverName = "secrets-store.csi.k8s.io"
	// ProviderAzure is the spec.provider of a SecretProviderClass for Key Vault.
	ProviderAzure = "azure"

	// LabelUseWorkloadIdentity makes the workload identity webhook project a token.
	LabelUseWorkloadIdentity = "azure.workload.identity/use"
	// AnnotationClientID and AnnotationTenantID are read from the
	// ServiceAccount, where the workload identity webhook reads them too.
	AnnotationClientID = "azure.workload.identity/client-id"
	AnnotationTenantID = "azure.workload.identity/tenant-id"
)

// Keys of a secrets-store volume's volumeAttributes.
const (
	AttributeClass    = "secretProviderClass"
	AttributeInterval = "rotationPollInterval"
)
