package rules

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
)

// AKV021 reads the label of the namespace and the annotations of the pod. The webhook is
// called in namespaces that opted in alone, so that it can fail closed without touching
// others; the annotations of a pod elsewhere are read by nobody. At admission a
// ValidatingAdmissionPolicy of the chart says it, in the same words.
var notOptedIn = Rule{
	Rule: finding.Rule{
		ID: "AKV021", Name: "not-opted-in", Severities: []finding.Severity{finding.Warning},
		OptedOut: true,
		Summary:  "Annotations of akv-injector on a pod or a template in a namespace that did not opt in.",
		Prevents: "The pod starts without its secrets, and nothing rotates.",
		Evidence: "The webhook configurations' namespaceSelector: the API server calls akv-injector for namespaces with the label alone.",
		Remedy:   "Opt the namespace in: kubectl label namespace NAME " + annotation.LabelInjection + "=" + annotation.InjectionEnabled,
	},
	Pod: checkNotOptedIn,
}

// NotOptedInMessage is what the rule says, here and in the admission policy.
const NotOptedInMessage = "The namespace did not opt in to akv-injector, so the pods get no secrets and nothing rotates."

// NotOptedInFix is its remedy for a namespace.
func NotOptedInFix(namespace string) string {
	return "Run: kubectl label namespace " + namespace + " " + annotation.LabelInjection + "=" + annotation.InjectionEnabled
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
