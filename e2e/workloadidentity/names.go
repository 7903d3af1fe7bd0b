package workloadidentity

import (
	"crypto/sha256"
	"encoding/hex"
)

// What the manifest and the webhook's source (1.6.0) have.
const (
	// Configuration is the name of its MutatingWebhookConfiguration.
	Configuration = "azure-wi-webhook-mutating-webhook-configuration"
	// MountPath is where containers have the token volume, and TokenFile the token in it.
	MountPath = "/var/run/secrets/azure/wi"
	TokenFile = MountPath + "/token/azure-identity-token"
	// Audience of the token.
	Audience = "api://AzureADTokenExchange"

	namespace = "azure-workload-identity-system"
	account   = "azure-wi-webhook-admin"
)

// VolumeName is what the webhook calls the token volume of a pod that comes with a name.
func VolumeName(pod string) string {
	const prefix, longest = "azure-workload-identity-reserved-", 63
	sum := sha256.Sum256([]byte(pod))
	return prefix + hex.EncodeToString(sum[:])[:longest-len(prefix)]
}
