package rules

import (
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
)

// AKV013 reads the label azure.workload.identity/use and the volumes that the pod has once
// every mutating webhook has had its say. The identity webhook 1.6.0 answers the label with
// a projected token (webhook.go, addProjectedVolume; on Windows too). Where none came it is
// not installed, or it was called before the label was there. The driver gets a token of
// its own from the kubelet, so the mount works: it is the pod's own calls to Azure that
// fail.
var identityToken = Rule{
	Rule: finding.Rule{
		ID: "AKV013", Name: "identity-token", Severities: []finding.Severity{finding.Warning},
		Summary:  "A pod with the workload identity label that the identity webhook gave no token.",
		Prevents: "Secrets are mounted and rotate, but what the pod asks of Azure by itself fails.",
		Evidence: "azure-workload-identity 1.6.0 projects a token into every pod with the label that it sees (webhook.go), and the API server calls webhooks in the order of their configurations' names.",
		Remedy:   "Switch workload identity on, or leave the label off where no program in the pod signs in to Azure.",
	},
	Pod:      checkIdentityToken,
	PodsOnly: true,
}

// identityTokenFile ends the path of the token that the webhook projects; its volume's
// name changed between versions.
const identityTokenFile = "azure-identity-token"

func checkIdentityToken(p *Pod, r *Report) {
	if !p.Target.Admitted || len(p.Volumes) == 0 || p.Target.Meta.Labels[provider.LabelUseWorkloadIdentity] != "true" {
		return
	}
	for i := range p.Spec.Volumes {
		if projectsIdentityToken(&p.Spec.Volumes[i]) {
			return
		}
	}
	r.Warn(field.ErrorTypeNotFound, p.Target.MetaPath().Child("labels").Key(provider.LabelUseWorkloadIdentity),
		"Secrets rotate without it, but the identity webhook gave the pod no token, so programs in it cannot sign in to Azure.",
		"Run: az aks update -g <group> -n <cluster> --enable-workload-identity")
}

func projectsIdentityToken(v *corev1.Volume) bool {
	if v.Projected == nil {
		return false
	}
	for i := range v.Projected.Sources {
		if token := v.Projected.Sources[i].ServiceAccountToken; token != nil && path.Base(token.Path) == identityTokenFile {
			return true
		}
	}
	return false
}
