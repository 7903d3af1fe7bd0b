package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/inject/plan"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV012 checks the ServiceAccount that the pod will run as. Without a client id it is not
// known which identity reads the vault; without the account the API server refuses the pod.
// The plan finds these obstacles (AccountObstacles), because it needs the account.
var serviceAccount = Rule{
	Rule: finding.Rule{
		ID: "AKV012", Name: "service-account", Severities: []finding.Severity{finding.Error, finding.Warning},
		Lookups:  finding.Namespace | finding.ServiceAccounts,
		Summary:  "A pod that asks for injection, and whose ServiceAccount is missing or has no usable client id while no annotation sets one; a warning on a template, whose pods are created later.",
		Prevents: "The pod cannot be created, or no identity can read the vault for it.",
		Evidence: "The API server 1.37.2 refuses a pod whose ServiceAccount does not exist; a generated class needs a client id.",
		Remedy:   "Create the ServiceAccount with the annotation azure.workload.identity/client-id, or name another one.",
	},
	Pod: checkServiceAccount,
}

// checkServiceAccount only warns on a template: the ServiceAccount is often applied after
// the workload, and must exist only when the pods are created.
func checkServiceAccount(p *Pod, r *Report) {
	severity := finding.Error
	if p.Target.Template {
		severity = finding.Warning
	}
	for _, o := range p.Plan.AccountObstacles {
		name := text.Shorten(o.Account)
		annotate := func(options string) string {
			return text.Command("kubectl annotate "+options+"serviceaccount (-n {namespace}) {account} "+provider.AnnotationClientID+"={client-id}",
				text.Values{"namespace": p.namespace(), "account": o.Account})
		}
		switch o.Kind {
		case plan.NoAccount:
			r.add(severity, field.ErrorTypeNotFound, o.Place,
				fmt.Sprintf("The namespace has no ServiceAccount %q, so the pod cannot be created.", name),
				fmt.Sprintf("Create it with the annotation %s, or name another one in %s.", provider.AnnotationClientID, annotation.ServiceAccount))
		case plan.NoClientID:
			r.add(severity, field.ErrorTypeRequired, o.Place,
				fmt.Sprintf("The ServiceAccount %q has no annotation %s, so no identity can read the vault.", name, provider.AnnotationClientID),
				fmt.Sprintf("Set %s, or run: %s", annotation.ClientID, annotate("")))
		case plan.BadClientID:
			r.add(severity, field.ErrorTypeInvalid, o.Place,
				fmt.Sprintf("The ServiceAccount %q has the value %q in its annotation %s: %s.", name, text.Shorten(o.Value), provider.AnnotationClientID, o.Problem),
				"Run: "+annotate("--overwrite "))
		}
	}
}
