package provider

import (
	"slices"

	storagev1 "k8s.io/api/storage/v1"
)

const (
	// TokenAudience is the audience that Entra ID requires in a token that it exchanges.
	TokenAudience = "api://AzureADTokenExchange"
	// BindingAudience is the audience that the token proxy requires in a token.
	BindingAudience = "api://AKSIdentityBinding"
)

// RequestsToken reports whether the CSIDriver requests a token for the audience from the
// kubelet.
func RequestsToken(d *storagev1.CSIDriver, audience string) bool {
	return d != nil && slices.ContainsFunc(d.Spec.TokenRequests, func(r storagev1.TokenRequest) bool { return r.Audience == audience })
}
