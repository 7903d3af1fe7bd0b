package rules

import (
	"fmt"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV011 checks the identity in the parameters that reach the provider, in
// nodePublishSecretRef and in the CSIDriver's tokenRequests. Without any identity the
// provider 1.8.2 falls back to a service principal and fails with "could not find clientid
// in secrets" (driver 1.6.0, whose secrets include the service account's token) or
// "nodePublishSecretRef secret is not set" (1.4.8). Pod identity was retired, and nothing
// answers its requests any more.
var identityMode = Rule{
	Rule: finding.Rule{
		ID: "AKV011", Name: "identity-mode", Severities: []finding.Severity{finding.Error, finding.Warning},
		Lookups:  finding.Classes | finding.Driver,
		Summary:  "usePodIdentity (retired), or no identity at all (error); a VM's identity or a service principal although the cluster has workload identity (warning).",
		Prevents: "The pod never starts, or reads the vault with an identity that other pods share.",
		Evidence: "Azure provider 1.8.2, pkg/auth/auth.go: without any identity it looks for a service principal's Secret; pod identity was retired, and nothing answers its requests any more.",
		Remedy:   "Set clientID to a managed identity with a federated credential for the pod's service account.",
	},
	Pod:   checkIdentityMode,
	Class: checkClassIdentity,
}

const (
	fixClientID = "Set clientID in the class to a managed identity with a federated credential for the pod's service account."

	nodeIdentity     = "the node's managed identity, which all pods of the node share"
	servicePrincipal = "a service principal, whose own secret needs rotation too"
)

func checkIdentityMode(p *Pod, r *Report) {
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if !v.ByHand() {
			continue
		}
		place := v.classPlace()
		name := fmt.Sprintf("SecretProviderClass %q", text.Shorten(v.ClassName))
		vm, secret := provider.IsOn(v.Parameters, provider.ParamVMIdentity), v.CSI.NodePublishSecretRef != nil
		client := v.Parameter(provider.ParamClient) != ""
		switch {
		case provider.IsOn(v.Parameters, provider.ParamPodIdentity):
			reportPodIdentity(r, place, "The "+name)
		case !client && !vm && !provider.IsOn(v.Parameters, provider.ParamTokenProxy) && !secret:
			r.Error(field.ErrorTypeRequired, place,
				fmt.Sprintf("Neither the %s nor the volume names an identity; the mount fails.", name),
				fixClientID)
		case vm && workloadIdentityOn(p.Facts.CSIDriver):
			reportSharedIdentity(r, place, nodeIdentity)
		case secret && !client && workloadIdentityOn(p.Facts.CSIDriver):
			reportSharedIdentity(r, place, servicePrincipal)
		}
	}
}

// checkClassIdentity runs the rule on a class without a pod. A class without an identity gets
// only a warning, because a volume may have a service principal's Secret.
func checkClassIdentity(c *Class, r *Report) {
	switch vm := provider.IsOn(c.Spec.Parameters, provider.ParamVMIdentity); {
	case provider.IsOn(c.Spec.Parameters, provider.ParamPodIdentity):
		reportPodIdentity(r, parameters().Child(provider.ParamPodIdentity), "The class")
	case vm && workloadIdentityOn(c.Facts.CSIDriver):
		reportSharedIdentity(r, parameters().Child(provider.ParamVMIdentity), nodeIdentity)
	case !vm && !provider.IsOn(c.Spec.Parameters, provider.ParamTokenProxy) && c.parameter(provider.ParamClient) == "":
		r.Warn(field.ErrorTypeRequired, parameters().Child(provider.ParamClient),
			"The class names no identity, so it can be mounted only with a service principal's Secret (nodePublishSecretRef).",
			fixClientID)
	}
}

func reportPodIdentity(r *Report, place *finding.Place, class string) {
	r.Error(field.ErrorTypeForbidden, place,
		class+" sets usePodIdentity, which was retired; the mount fails.",
		"Set clientID to a managed identity with a federated credential for the pod's service account, and usePodIdentity to \"false\".")
}

func reportSharedIdentity(r *Report, place *finding.Place, what string) {
	r.Warn(field.ErrorTypeInvalid, place,
		fmt.Sprintf("The vault is read with %s, although this cluster has workload identity.", what), fixClientID)
}

func workloadIdentityOn(d *storagev1.CSIDriver) bool {
	return provider.RequestsToken(d, provider.TokenAudience)
}
