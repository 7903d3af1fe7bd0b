package rules

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/annotation"
	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// AKV030 checks pods for annotations whose prefix is nearly ours: nobody reads them, and the pod gets no secrets.
var nearAnnotation = Rule{
	Rule: finding.Rule{
		ID: "AKV030", Name: "near-annotation", Severities: []finding.Severity{finding.Warning},
		Summary:  "An annotation whose prefix is almost azure.keyvault.injector/.",
		Prevents: "Nobody reads the annotation, so the pod does not get what it asks for.",
		Evidence: "akv-injector reads the annotations that begin with azure.keyvault.injector/, and no others.",
		Remedy:   "Correct the prefix.",
	},
	Pod: checkNearAnnotations,
}

func checkNearAnnotations(p *Pod, r *Report) {
	var keys []string
	for key := range p.Target.Meta.Annotations {
		if annotation.NearOurs(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		if r.NoMoreWarnings() {
			return
		}
		_, name, _ := strings.Cut(key, "/")
		r.Warn(field.ErrorTypeNotSupported, p.Target.AnnotationPath(key),
			fmt.Sprintf("Nobody reads the annotation %q: its prefix is almost that of akv-injector.", text.Shorten(key)),
			fmt.Sprintf("Write %s%s.", annotation.Prefix, text.Shorten(name)))
	}
}
