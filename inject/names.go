package inject

import (
	"k8s.io/apimachinery/pkg/util/validation"

	"akv-injector/inject/finding"
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
