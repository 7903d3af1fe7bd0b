package rules

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV026 checks pods that use a client id with the token of the ServiceAccount "default". The federated
// credential names one account (system:serviceaccount:NAMESPACE:NAME), and hardly anybody means this one: the
// line serviceAccountName was forgotten.
var defaultAccount = Rule{
	Rule: finding.Rule{
		ID: "AKV026", Name: "default-account", Severities: []finding.Severity{finding.Warning},
		Lookups:  finding.Classes | finding.ServiceAccounts,
		Summary:  "A class with a clientID in a pod that runs as the ServiceAccount default, unless that is annotated with the same client id.",
		Prevents: "Entra ID refuses the token (AADSTS70021, AADSTS700213), since the federated credential names another ServiceAccount; the pod waits in ContainerCreating.",
		Evidence: "The kubelet 1.37.2 requests the token for the pod's own ServiceAccount; the Azure provider 1.8.2 exchanges it for the class's clientID (pkg/auth/auth.go).",
		Remedy:   "Set serviceAccountName to the account that the federated credential names.",
	},
	Pod: checkDefaultAccount,
}

func checkDefaultAccount(p *Pod, r *Report) {
	if workload.AccountOf(p.Spec) != workload.DefaultAccount {
		return
	}
	annotated := ""
	if account := p.Facts.ServiceAccounts[workload.DefaultAccount]; account != nil {
		annotated = strings.TrimSpace(account.Annotations[provider.AnnotationClientID])
	}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		client := v.Parameter(provider.ParamClient)
		if !v.ByHand() || client == "" || strings.EqualFold(client, annotated) || provider.ClientIDProblem(client).Found() ||
			provider.IsOn(v.Parameters, provider.ParamVMIdentity) || provider.IsOn(v.Parameters, provider.ParamPodIdentity) {
			continue
		}
		namespace := p.namespace()
		if !text.Plain(namespace) {
			namespace = "NAMESPACE"
		}
		r.Warn(field.ErrorTypeRequired, p.Target.SpecPath().Child("serviceAccountName"),
			fmt.Sprintf("The pod runs as the ServiceAccount default, so the SecretProviderClass %q works only if the federated credential of its clientID names system:serviceaccount:%s:default.", text.Shorten(v.ClassName), namespace),
			"Set serviceAccountName to the account that the federated credential names.")
		return
	}
}
