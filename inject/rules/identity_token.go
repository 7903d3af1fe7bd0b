package rules

import (
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV013 checks that a pod with the label azure.workload.identity/use has a projected
// identity token after every mutating webhook has run. The identity webhook 1.6.0 adds the
// token to pods with the label (webhook.go, addProjectedVolume; on Windows too). If the
// token is missing, the webhook is not installed, or it ran before the label was set. The
// driver gets its own token from the kubelet, so the mount works; only the pod's own calls
// to Azure fail.
var identityToken = Rule{
	Rule: finding.Rule{
		ID: "AKV013", Name: "identity-token", Severities: []finding.Severity{finding.Warning},
		Summary:  "A pod with the workload identity label, but without the token that the identity webhook adds.",
		Prevents: "Secrets are mounted and rotate, but the pod's own calls to Azure fail.",
		Evidence: "azure-workload-identity 1.6.0 projects a token into every pod with the label that it sees (webhook.go), and the API server calls webhooks in the order of their configurations' names.",
		Remedy:   "Turn workload identity on, or leave the label off if no program in the pod signs in to Azure.",
	},
	Pod:      checkIdentityToken,
	PodsOnly: true,
}

// identityTokenFile is the last element of the projected token's path. The name of its volume
// differs between versions of the webhook.
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
	r.Warn(field.ErrorTypeNotFound, p.Target.LabelsPath().Key(provider.LabelUseWorkloadIdentity),
		"The identity webhook added no token to the pod, so programs in it cannot sign in to Azure; secrets rotate anyway.",
		"Run: "+text.Command("az aks update -g {group} -n {cluster} --enable-workload-identity", nil))
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
