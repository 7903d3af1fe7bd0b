package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/text"
)

// AKV033 checks whether the pod's service account may use the identity that its class reaches through an identity binding. It
// only warns: the ClusterRole may follow, and the kubelet retries.
var bindingNotAllowed = Rule{
	Rule: finding.Rule{
		ID: "AKV033", Name: "binding-not-allowed", Severities: []finding.Severity{finding.Warning},
		Summary:  "An identity that is reached through an identity binding of AKS, and that the pod's ServiceAccount may not use.",
		Prevents: "The pod waits in ContainerCreating: the token proxy refuses the account.",
		Evidence: "The token proxy of AKS asks the API server whether the account has the verb use-managed-identity on the client id, a resource of the group cid.wi.aks.azure.com (AKS documentation \"Identity bindings\"; the e2e tests of the Azure provider 1.8.2 create that ClusterRole).",
		Remedy:   "Bind the account to a ClusterRole with the verb use-managed-identity, the apiGroup cid.wi.aks.azure.com and the client id as the resource.",
	},
	Pod: checkBindingAllowed,
}

func checkBindingAllowed(p *Pod, r *Report) {
	if len(p.Facts.Uses) == 0 {
		return
	}
	account := workload.AccountOf(p.Spec)
	told := map[string]bool{}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		client := v.Parameter(provider.ParamClient)
		if !v.Azure() || !provider.IsOn(v.Parameters, provider.ParamTokenProxy) || told[client] {
			continue
		}
		if permission, asked := p.Facts.Uses[facts.Use{Account: account, ClientID: client}]; !asked || permission != facts.Denied {
			continue
		}
		told[client] = true
		r.Warn(field.ErrorTypeForbidden, v.classPlace(),
			fmt.Sprintf("The ServiceAccount %q may not use the identity of the binding, so the mount fails.", text.Shorten(account)),
			fmt.Sprintf("Bind it to a ClusterRole: verbs [%s], apiGroups [%s], resources [%s].", provider.BindingVerb, provider.BindingGroup, client))
	}
}
