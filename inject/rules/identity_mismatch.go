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

// AKV014 reads clientID in the parameters that reach the provider, and the client id that
// the pod's ServiceAccount is annotated with. The provider 1.8.2 goes by the class alone
// (pkg/auth/auth.go); programs in the pod go by the ServiceAccount. Two identities are
// seldom meant, and the federated credential is often there for one of them alone.
var identityMismatch = Rule{
	Rule: finding.Rule{
		ID: "AKV014", Name: "identity-mismatch", Severities: []finding.Severity{finding.Warning},
		Summary:  "A class whose clientID is another than that of the pod's ServiceAccount.",
		Prevents: "The vault is read by another identity than the ServiceAccount says, or by none, if only the other has the federated credential.",
		Evidence: "The Azure provider 1.8.2 takes the class's clientID with the token of the pod's ServiceAccount (pkg/auth/auth.go), and never reads the ServiceAccount's annotation.",
		Remedy:   "Write the same client id into both, or run the pod as the ServiceAccount of the class's identity.",
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
		if client == "" || strings.EqualFold(client, theirs) {
			continue
		}
		r.Warn(field.ErrorTypeInvalid, v.classPlace(),
			fmt.Sprintf("The SecretProviderClass %q reads the vault as %s, while the ServiceAccount %q stands for %s; rotation needs a federated credential of the former.",
				text.Shorten(v.ClassName), text.Shorten(client), text.Shorten(account.Name), text.Shorten(theirs)),
			fmt.Sprintf("If one identity is meant, run: kubectl annotate --overwrite serviceaccount %s %s=%s", text.Shorten(account.Name), provider.AnnotationClientID, text.Shorten(client)))
	}
}
