package inject

import (
	"fmt"

	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV011 reads the parameters that reach the provider, nodePublishSecretRef and the
// CSIDriver's tokenRequests. Without any identity the provider 1.8.2 falls back to a
// service principal and fails with "could not find clientid in secrets" (driver 1.6.0,
// which has the service account's token among them) or "nodePublishSecretRef secret is
// not set" (1.4.8); pod identity was retired, and nothing answers its requests any more.
var identityModeRule = Rule{
	ID: "AKV011", Name: "identity-mode", Severities: []Severity{Error, Warning},
	Summary:  "usePodIdentity (retired), or no identity at all (error); a VM's identity or a service principal where workload identity is on (warning).",
	Prevents: "The pod never starts; or it reads the vault with an identity that other pods share.",
	Evidence: "Azure provider 1.8.2, pkg/auth/auth.go: without any identity it looks for a service principal's Secret; nothing answers pod identity's requests since it was retired.",
	Remedy:   "Set clientID to a managed identity with a federated credential for the pod's service account.",
	On:       everywhere,
}

const (
	fixClientID = "Set clientID in the class to a managed identity with a federated credential for the pod's service account."

	nodeIdentity     = "the node's managed identity, which every pod of the node shares"
	servicePrincipal = "a service principal, whose secret somebody has to rotate"
)

func checkIdentityMode(s *subject) []Finding {
	var findings []Finding
	for i := range s.volumes {
		v := &s.volumes[i]
		if !v.byHand() {
			continue
		}
		path := v.classPath()
		name := fmt.Sprintf("SecretProviderClass %q", text.Shorten(v.ClassName))
		vm, secret := provider.IsOn(v.Parameters, provider.ParamVMIdentity), v.CSI.NodePublishSecretRef != nil
		client := v.Parameter(provider.ParamClient) != ""
		switch {
		case provider.IsOn(v.Parameters, provider.ParamPodIdentity):
			findings = append(findings, podIdentityFinding(path, "The "+name))
		case !client && !vm && !provider.IsOn(v.Parameters, provider.ParamTokenProxy) && !secret:
			findings = append(findings, found("AKV011", Error, field.ErrorTypeRequired, path,
				fmt.Sprintf("Neither the %s nor the volume names an identity; the mount fails.", name), fixClientID))
		case vm && workloadIdentityOn(s.f.CSIDriver):
			findings = append(findings, sharedIdentityFinding(path, nodeIdentity))
		case secret && !client && workloadIdentityOn(s.f.CSIDriver):
			findings = append(findings, sharedIdentityFinding(path, servicePrincipal))
		}
	}
	return findings
}

// checkClassIdentity is the rule's look at a class: a volume may yet bring a Secret.
func checkClassIdentity(c *classSubject) []Finding {
	parameters := c.class.Spec.Parameters
	switch vm := provider.IsOn(parameters, provider.ParamVMIdentity); {
	case provider.IsOn(parameters, provider.ParamPodIdentity):
		return []Finding{podIdentityFinding(classParameter(provider.ParamPodIdentity), "The class")}
	case vm && workloadIdentityOn(c.f.CSIDriver):
		return []Finding{sharedIdentityFinding(classParameter(provider.ParamVMIdentity), nodeIdentity)}
	case !vm && !provider.IsOn(parameters, provider.ParamTokenProxy) && c.parameter(provider.ParamClient) == "":
		return []Finding{found("AKV011", Warning, field.ErrorTypeRequired, classParameter(provider.ParamClient),
			"The class names no identity, so it can be mounted with a service principal's Secret (nodePublishSecretRef) alone.", fixClientID)}
	}
	return nil
}

func podIdentityFinding(path *finding.Place, class string) Finding {
	return found("AKV011", Error, field.ErrorTypeForbidden, path,
		class+" sets usePodIdentity, which was retired; the mount fails.",
		"Set clientID to a managed identity with a federated credential for the pod's service account, and usePodIdentity to \"false\".")
}

func sharedIdentityFinding(path *finding.Place, what string) Finding {
	return found("AKV011", Warning, field.ErrorTypeInvalid, path,
		fmt.Sprintf("The vault is read with %s, though this cluster has workload identity.", what), fixClientID)
}

func workloadIdentityOn(d *storagev1.CSIDriver) bool {
	return provider.RequestsToken(d, provider.TokenAudience)
}
