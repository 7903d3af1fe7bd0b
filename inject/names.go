package inject

import (
	"k8s.io/apimachinery/pkg/util/validation"

	"akv-injector/inject/finding"
)

// Prefix begins every annotation and label of akv-injector.
const Prefix = "azure.keyvault.injector/"

// Annotations that a user writes. AnnotationVaultObjects and AnnotationMountPath also
// exist with a vault's name behind a dot: objects.shared-kv.
const (
	AnnotationObjects               = Prefix + "objects"
	AnnotationVault                 = Prefix + "vault"
	AnnotationSecretProviderClass   = Prefix + "secret-provider-class"
	AnnotationServiceAccount        = Prefix + "service-account"
	AnnotationClientID              = Prefix + "client-id"
	AnnotationTenantID              = Prefix + "tenant-id"
	AnnotationCloud                 = Prefix + "cloud"
	AnnotationRotationPollInterval  = Prefix + "rotation-poll-interval"
	AnnotationMountPath             = Prefix + "mount-path"
	AnnotationContainers            = Prefix + "containers"
	AnnotationEnv                   = Prefix + "env"
	AnnotationWorkloadIdentityLabel = Prefix + "workload-identity-label"
	AnnotationInject                = Prefix + "inject"
	AnnotationAllow                 = Prefix + "allow"
	AnnotationAllowedVaults         = Prefix + "allowed-vaults"
	AnnotationRotationPolicy        = Prefix + "rotation-policy"
	AnnotationVaultChecks           = Prefix + "vault-checks"
)

// What akv-injector itself writes.
const (
	// AnnotationStatus holds, on an injected pod, what it was given (see Status).
	AnnotationStatus = Prefix + "status"
	// LabelInjected marks an injected pod.
	LabelInjected = Prefix + "injected"
	// AnnotationUnusedSince marks a generated class that no pod names, with the
	// time (RFC 3339) since when.
	AnnotationUnusedSince = Prefix + "unused-since"
)

// LabelInjection with the value InjectionEnabled on a namespace opts it in.
const (
	LabelInjection   = Prefix + "injection"
	InjectionEnabled = "enabled"
)

// Names of the parts that akv-injector works with.
const (
	// DriverName is the Secrets Store CSI driver's.
	DriverName = "secrets-store.csi.k8s.io"
	// ProviderAzure is the spec.provider of a SecretProviderClass for Key Vault.
	ProviderAzure = "azure"

	// LabelUseWorkloadIdentity makes the workload identity webhook project a token.
	LabelUseWorkloadIdentity = "azure.workload.identity/use"
	// AnnotationIdentityClientID and AnnotationIdentityTenantID are read from the
	// ServiceAccount, where the workload identity webhook reads them too.
	AnnotationIdentityClientID = "azure.workload.identity/client-id"
	AnnotationIdentityTenantID = "azure.workload.identity/tenant-id"

	// LabelManagedBy with the value ManagedBy marks a class as ours to restore and
	// collect. A class without it is never touched.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "akv-injector"

	annotationMirror = "kubernetes.io/config.mirror"
)

// Keys of a secrets-store volume's volumeAttributes.
const (
	attributeClass    = "secretProviderClass"
	attributeInterval = "rotationPollInterval"
)

// kubernetesNameProblem says what keeps a value from being an object's name, or is "".
func kubernetesNameProblem(name string) finding.Problem {
	if len(validation.IsDNS1123Subdomain(name)) == 0 {
		return finding.Problem{}
	}
	return finding.Problem{What: "not the name of a Kubernetes object", Fix: "write at most 253 lower case letters, digits, hyphens and dots, with a letter or digit at both ends"}
}
