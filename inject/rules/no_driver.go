package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV016 checks that the cluster has the driver's CSIDriver and the CRD of classes, and that
// the CSIDriver's tokenRequests have the audiences that the classes need. The kubelet 1.37.2
// mounts nothing for a driver that is not installed, and passes only requested tokens.
// Without the token that it exchanges, the provider 1.8.2 falls back to a service principal,
// which is not set.
var noDriver = Rule{
	Rule: finding.Rule{
		ID: "AKV016", Name: "no-driver", Severities: []finding.Severity{finding.Warning},
		Summary:  "A cluster without the Secrets Store CSI driver or its CRD, or whose CSIDriver does not request the token that the class's identity needs.",
		Prevents: "The pod waits in ContainerCreating.",
		Evidence: "The kubelet 1.37.2 passes the driver only the tokens of spec.tokenRequests; the Azure provider 1.8.2 exchanges the token for api://AzureADTokenExchange, or with useAzureTokenProxy the one for api://AKSIdentityBinding (pkg/auth/auth.go).",
		Remedy:   "Install the driver with the Azure provider, and request the token: az aks enable-addons --addons azure-keyvault-secrets-provider.",
	},
	Pod: checkNoDriver,
}

// NoDriver returns AKV016, which programs report while they wait for the driver.
func NoDriver() Rule { return noDriver }

// installDriver is made once: most pods pass.
var installDriver = "Install the Secrets Store CSI driver; on AKS run: " + text.Command("az aks enable-addons -g {group} -n {cluster} --addons azure-keyvault-secrets-provider", nil)

func checkNoDriver(p *Pod, r *Report) {
	if len(p.Volumes) == 0 {
		return
	}
	path := p.Volumes[0].classPlace()
	switch {
	case p.Facts.NoCSIDriver:
		r.Warn(field.ErrorTypeNotFound, path,
			"The cluster has no CSIDriver "+provider.DriverName+", so the pod waits in ContainerCreating.",
			installDriver)
		return
	case p.Facts.NoClassCRD:
		r.Warn(field.ErrorTypeNotFound, path,
			"The cluster has no CRD for SecretProviderClasses, so the pod waits in ContainerCreating.",
			installDriver)
		return
	}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		audience := v.audience()
		if audience == "" || p.Facts.CSIDriver == nil || provider.RequestsToken(p.Facts.CSIDriver, audience) {
			continue
		}
		r.Warn(field.ErrorTypeNotFound, v.classPlace(),
			fmt.Sprintf("The CSIDriver %s requests no token for %s, so the provider cannot sign in and the mount fails.", provider.DriverName, audience),
			fmt.Sprintf("Add {audience: %q} to its tokenRequests: kubectl edit csidriver %s", audience, provider.DriverName))
	}
}

// audience returns the audience of the token that the volume's identity needs, or "".
func (v *Volume) audience() string {
	switch {
	case !v.Azure() || provider.IsOn(v.Parameters, provider.ParamVMIdentity) || provider.IsOn(v.Parameters, provider.ParamPodIdentity):
		return ""
	case provider.IsOn(v.Parameters, provider.ParamTokenProxy):
		return provider.BindingAudience
	case v.Parameter(provider.ParamClient) == "" || v.CSI.NodePublishSecretRef != nil:
		return ""
	}
	return provider.TokenAudience
}
