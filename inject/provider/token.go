package provider

import (
	"slices"

	storagev1 "k8s.io/api/storage/v1"
)

const (
	// TokenAudience is what Entra ID wants in a token that is exchanged for one of its own.
	TokenAudience = "api://AzureADTokenExchange"
	// BindingAudience is what the token proxy wants in a token.
	BindingAudience = "api://AKSIdentityBinding"
)

// RequestsToken reports whether the CSIDriver makes the kubelet hand over a token for the
// audience.
func RequestsToken(d *storagev1.CSIDriver, audience string) bool {
	return d != nil && slices.ContainsFunc(d.Spec.TokenRequests, func(r storagev1.TokenRequest) bool { return r.Audience == audience })
}
