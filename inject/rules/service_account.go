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

// AKV012 reads the ServiceAccount that the pod will run as. Without a client id nobody
// could say which identity reads the vault; without the account the API server refuses
// the pod. The plan runs into it, where it needs the account.
var serviceAccount = Rule{
	Rule: finding.Rule{
		ID: "AKV012", Name: "service-account", Severities: []finding.Severity{finding.Error, finding.Warning},
		Lookups:  finding.Namespace | finding.ServiceAccounts,
		Summary:  "A pod that asks, whose ServiceAccount is missing, or has no client id where none is given; a warning on a template, whose pods come later.",
		Prevents: "The pod could not be created, or no identity would read the vault for it.",
		Evidence: "The API server 1.37.2 refuses a pod whose ServiceAccount does not exist; a generated class needs a client id.",
		Remedy:   "Create the ServiceAccount with the annotation azure.workload.identity/client-id, or name another.",
	},
	Pod: checkServiceAccount,
}

// checkServiceAccount only warns on a template: the ServiceAccount is often applied after
// the workload, and the pods are where it has to be there.
func checkServiceAccount(p *Pod, r *Report) {
	severity := finding.Error
	if p.Target.Template {
		severity = finding.Warning
	}
	for _, o := range p.Plan.AccountObstacles {
		name := text.Shorten(o.Account)
		switch o.Kind {
		case plan.NoAccount:
			r.add(severity, field.ErrorTypeNotFound, o.Place,
				fmt.Sprintf("The namespace has no ServiceAccount %q, so the pod could not be created.", name),
				fmt.Sprintf("Create it with the annotation %s, or name another in %s.", provider.AnnotationClientID, annotation.ServiceAccount))
		case plan.NoClientID:
			r.add(severity, field.ErrorTypeRequired, o.Place,
				fmt.Sprintf("The ServiceAccount %q has no annotation %s, so no identity could read the vault.", name, provider.AnnotationClientID),
				fmt.Sprintf("Run: kubectl annotate serviceaccount %s %s=<client id>; or set %s.", name, provider.AnnotationClientID, annotation.ClientID))
		case plan.BadClientID:
			r.add(severity, field.ErrorTypeInvalid, o.Place,
				fmt.Sprintf("The ServiceAccount %q has %q as its annotation %s: %s.", name, text.Shorten(o.Value), provider.AnnotationClientID, o.Problem),
				fmt.Sprintf("Run: kubectl annotate --overwrite serviceaccount %s %s=<client id>", name, provider.AnnotationClientID))
		}
	}
}
