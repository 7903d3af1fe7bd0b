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
		Summary:  "usePodIdentity (retired), or no identity at all (error); a VM's identity or a service principal although the cluster has workload identity, an id that the chosen kind of identity does not read, or a node's identity without one (warning).",
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
			reportPodIdentity(r, place, "The "+name).Class = v.ofClass()
		case !client && !vm && !provider.IsOn(v.Parameters, provider.ParamTokenProxy) && !secret:
			r.Error(field.ErrorTypeRequired, place,
				fmt.Sprintf("Neither the %s nor the volume names an identity; the mount fails.", name),
				fixClientID)
		case vm && workloadIdentityOn(p.Facts.CSIDriver):
			reportSharedIdentity(r, place, nodeIdentity).Class = v.ofClass()
		case secret && client && !vm && !provider.IsOn(v.Parameters, provider.ParamTokenProxy):
			r.Warn(field.ErrorTypeForbidden, v.place.Child("csi", "nodePublishSecretRef"),
				fmt.Sprintf("The Secret of nodePublishSecretRef is not used, because the %s names a clientID, and the mount fails all the same if it does not exist.", name),
				"Remove nodePublishSecretRef.")
		case secret && !client && workloadIdentityOn(p.Facts.CSIDriver):
			reportSharedIdentity(r, place, servicePrincipal)
		}
	}
}

// checkClassIdentity runs the rule on a class without a pod. A class without an identity gets
// only a warning, because a volume may have a service principal's Secret.
func checkClassIdentity(c *Class, r *Report) {
	c.checkIdentityIDs(r)
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

// checkIdentityIDs finds ids that the chosen kind of identity does not read, and one that it lacks.
func (c *Class) checkIdentityIDs(r *Report) {
	vm := provider.IsOn(c.Spec.Parameters, provider.ParamVMIdentity)
	id, client := c.parameter(provider.ParamUserAssignedID), c.parameter(provider.ParamClient)
	switch {
	case vm && id == "" && client != "":
		r.Warn(field.ErrorTypeRequired, parameters().Child(provider.ParamClient),
			"The node's identity reads the vault (useVMManagedIdentity), and clientID says nothing of which one.",
			"Write the client id as userAssignedIdentityID; or, for workload identity, set useVMManagedIdentity to \"false\".")
	case vm && client != "":
		r.Warn(field.ErrorTypeForbidden, parameters().Child(provider.ParamClient),
			"The node's identity reads the vault (useVMManagedIdentity), so clientID is not read.",
			"Remove clientID; or, for workload identity, set useVMManagedIdentity to \"false\".")
	case vm && id == "":
		r.Warn(field.ErrorTypeRequired, parameters().Child(provider.ParamUserAssignedID),
			"Without an id the node's system-assigned identity is asked for; where there is none, and several others, the mount fails (\"Multiple user assigned identities exist\").",
			"Set userAssignedIdentityID to the client id of the identity that may read the vault.")
	case !vm && id != "":
		r.Warn(field.ErrorTypeForbidden, parameters().Child(provider.ParamUserAssignedID),
			"userAssignedIdentityID is read only with useVMManagedIdentity: \"true\".",
			"Set that too; or, for workload identity, write clientID instead.")
	}
}

func reportPodIdentity(r *Report, place *finding.Place, class string) *finding.Finding {
	return r.Error(field.ErrorTypeForbidden, place,
		class+" sets usePodIdentity, which was retired; the mount fails.",
		"Set clientID to a managed identity with a federated credential for the pod's service account, and usePodIdentity to \"false\".")
}

func reportSharedIdentity(r *Report, place *finding.Place, what string) *finding.Finding {
	return r.Warn(field.ErrorTypeInvalid, place,
		fmt.Sprintf("The vault is read with %s, although this cluster has workload identity.", what), fixClientID)
}

func workloadIdentityOn(d *storagev1.CSIDriver) bool {
	return provider.RequestsToken(d, provider.TokenAudience)
}
