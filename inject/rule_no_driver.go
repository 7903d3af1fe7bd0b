package inject

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/provider"
)

// AKV016 reads whether the cluster has the driver's CSIDriver and knows classes, and the
// audiences in the CSIDriver's tokenRequests. The kubelet 1.37.2 mounts nothing for a
// driver that is not there, and hands over only tokens that are requested; without the one
// that it exchanges, the provider 1.8.2 falls back to a service principal that nobody gave
// it.
var noDriverRule = Rule{
	ID: "AKV016", Name: "no-driver", Severities: []Severity{Warning}, On: podsAndTemplates,
	Summary:  "A cluster without the Secrets Store CSI driver or its CRD, or whose CSIDriver does not request the token that the class's identity needs.",
	Prevents: "The pod waits in ContainerCreating.",
	Evidence: "The kubelet 1.37.2 passes the driver the tokens of spec.tokenRequests alone; the Azure provider 1.8.2 exchanges the one for api://AzureADTokenExchange, with useAzureTokenProxy the one for api://AKSIdentityBinding (pkg/auth/auth.go).",
	Remedy:   "Install the driver with the Azure provider, and request the token: az aks enable-addons --addons azure-keyvault-secrets-provider.",
}

func checkNoDriver(s *subject) []Finding {
	if len(s.volumes) == 0 {
		return nil
	}
	const install = "Install the Secrets Store CSI driver; on AKS run: az aks enable-addons -g <group> -n <cluster> --addons azure-keyvault-secrets-provider"
	path := s.volumes[0].classPath()
	switch {
	case s.f.NoCSIDriver:
		return []Finding{found("AKV016", Warning, field.ErrorTypeNotFound, path,
			"The cluster has no CSIDriver "+provider.DriverName+", so the pod waits in ContainerCreating.", install)}
	case s.f.NoClassCRD:
		return []Finding{found("AKV016", Warning, field.ErrorTypeNotFound, path,
			"The cluster does not know SecretProviderClasses, so the pod waits in ContainerCreating.", install)}
	}
	var findings []Finding
	for i := range s.volumes {
		v := &s.volumes[i]
		audience := v.audience()
		if audience == "" || s.f.CSIDriver == nil || provider.RequestsToken(s.f.CSIDriver, audience) {
			continue
		}
		findings = append(findings, found("AKV016", Warning, field.ErrorTypeNotFound, v.classPath(),
			fmt.Sprintf("The CSIDriver %s requests no token for %s, so the provider cannot sign in and the mount fails.", provider.DriverName, audience),
			fmt.Sprintf("Add {audience: %q} to its tokenRequests: kubectl edit csidriver %s", audience, provider.DriverName)))
	}
	return findings
}

// audience is that of the token that the volume's identity needs, or "".
func (v *storeVolume) audience() string {
	switch {
	case !v.azure() || provider.IsOn(v.Parameters, provider.ParamVMIdentity) || provider.IsOn(v.Parameters, provider.ParamPodIdentity):
		return ""
	case provider.IsOn(v.Parameters, provider.ParamTokenProxy):
		return provider.BindingAudience
	case v.Parameter(provider.ParamClient) == "" || v.CSI.NodePublishSecretRef != nil:
		return ""
	}
	return provider.TokenAudience
}
