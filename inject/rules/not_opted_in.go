package rules

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
)

// AKV021 checks the label of a pod's namespace if the pod has our annotations. The API server
// calls the webhook only in namespaces that have opted in, so that the webhook can fail
// closed without affecting others; in other namespaces the annotations have no effect. At
// admission a ValidatingAdmissionPolicy of the chart reports this, in the same words.
var notOptedIn = Rule{
	Rule: finding.Rule{
		ID: "AKV021", Name: "not-opted-in", Severities: []finding.Severity{finding.Warning},
		OptedOut: true,
		Summary:  "Annotations of akv-injector on a pod or a template in a namespace that has not opted in.",
		Prevents: "The pod starts without its secrets, and nothing rotates.",
		Evidence: "The webhook configurations' namespaceSelector: the API server calls akv-injector only for namespaces with the label.",
		Remedy:   "Opt the namespace in: " + annotation.OptInCommand(""),
	},
	Pod: checkNotOptedIn,
}

// NotOptedInMessage is the message of the rule, here and in the admission policy.
const NotOptedInMessage = "The namespace has not opted in to akv-injector, so the pods get no secrets and nothing rotates."

// NotOptedInFix returns the fix for a namespace.
func NotOptedInFix(namespace string) string {
	return "Run: " + annotation.OptInCommand(namespace)
}

func checkNotOptedIn(p *Pod, r *Report) {
	if p.Facts.Namespace == nil || annotation.OptedIn(p.Facts.Namespace) {
		return
	}
	keys := annotation.Ours(p.Target.Meta.Annotations)
	if len(keys) == 0 {
		return
	}
	r.Warn(field.ErrorTypeForbidden, p.Target.AnnotationPath(keys[0]),
		NotOptedInMessage,
		NotOptedInFix(p.Facts.Namespace.Name))
}
