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

// AKV014 compares clientID in the parameters that reach the provider with the client id in
// the annotation of the pod's ServiceAccount. The provider 1.8.2 uses only the class's
// (pkg/auth/auth.go); programs in the pod use the ServiceAccount's. Two identities are
// seldom intended, and often only one of them has the federated credential.
var identityMismatch = Rule{
	Rule: finding.Rule{
		ID: "AKV014", Name: "identity-mismatch", Severities: []finding.Severity{finding.Warning},
		Summary:  "A class whose clientID differs from the client id of the pod's ServiceAccount.",
		Prevents: "Another identity than the ServiceAccount's reads the vault, or none can, if only the ServiceAccount's has the federated credential.",
		Evidence: "The Azure provider 1.8.2 uses the class's clientID with the token of the pod's ServiceAccount (pkg/auth/auth.go), and never reads the ServiceAccount's annotation.",
		Remedy:   "Set the same client id in both, or run the pod as the ServiceAccount of the class's identity.",
	},
	Pod: checkIdentityMismatch,
}

func checkIdentityMismatch(p *Pod, r *Report) {
	account := p.Facts.ServiceAccounts[workload.AccountOf(p.Spec)]
	if account == nil {
		return
	}
	theirs := strings.TrimSpace(account.Annotations[provider.AnnotationClientID])
	if theirs == "" {
		return
	}
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if !v.ByHand() || provider.IsOn(v.Parameters, provider.ParamVMIdentity) || provider.IsOn(v.Parameters, provider.ParamPodIdentity) {
			continue
		}
		client := v.Parameter(provider.ParamClient)
		if client == "" || strings.EqualFold(client, theirs) || provider.ClientIDProblem(client).Found() {
			continue // AKV008 says what is wrong with one that is none
		}
		r.Warn(field.ErrorTypeInvalid, v.classPlace(),
			fmt.Sprintf("The SecretProviderClass %q reads the vault as %s, but the ServiceAccount %q is annotated with %s; rotation needs a federated credential for the former.",
				text.Shorten(v.ClassName), text.Shorten(client), text.Shorten(account.Name), text.Shorten(theirs)),
			"Run: "+text.Command("kubectl annotate --overwrite sa (-n {namespace}) {account} "+provider.AnnotationClientID+"={client-id}",
				text.Values{"namespace": p.namespace(), "account": account.Name, "client-id": client}))
	}
}
