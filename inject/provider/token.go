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

// What AKS's identity bindings are about (AKS documentation "Identity bindings", and the e2e tests of the Azure provider 1.8.2).
const (
	// AnnotationUseBinding with the value "true" on a pod lets the identity webhook of AKS give its SDKs the token proxy.
	AnnotationUseBinding = "azure.workload.identity/use-identity-binding"
	// BindingVerb on the client id as a resource of BindingGroup, for the whole cluster, is what a service account must be
	// allowed to use an identity through a binding.
	BindingVerb  = "use-managed-identity"
	BindingGroup = "cid.wi.aks.azure.com"
)

// RequestsToken reports whether the CSIDriver requests a token for the audience from the
// kubelet.
func RequestsToken(d *storagev1.CSIDriver, audience string) bool {
	return d != nil && slices.ContainsFunc(d.Spec.TokenRequests, func(r storagev1.TokenRequest) bool { return r.Audience == audience })
}
