package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
)

// AKV029 checks classes for the annotations by which Helm and Argo CD take an object for a hook. They delete a hook
// before they create it again, and often right after it was created; nobody owns it between releases.
var classAsHook = Rule{
	Rule: finding.Rule{
		ID: "AKV029", Name: "class-as-hook", Severities: []finding.Severity{finding.Warning}, Waivable: true,
		Summary:  "A class that is a hook of Helm or of Argo CD.",
		Prevents: "The class is deleted at each upgrade, or as soon as it was made: until it is there again new pods wait, and mounted secrets do not rotate.",
		Evidence: "Helm deletes a hook before it creates it again unless hook-delete-policy says otherwise (docs, Chart Hooks); Secrets Store CSI driver 1.6.0 reads the class at each look at a volume.",
		Remedy:   "Remove the hook's annotations: classes are created before workloads anyway, and the kubelet tries again.",
	},
	Class: checkClassAsHook,
}

func checkClassAsHook(c *Class, r *Report) {
	for _, hook := range []struct{ key, who string }{{"helm.sh/hook", "Helm"}, {"argocd.argoproj.io/hook", "Argo CD"}} {
		if _, ok := c.Annotations[hook.key]; ok {
			r.Warn(field.ErrorTypeForbidden, finding.At("metadata", "annotations").Key(hook.key),
				fmt.Sprintf("The class is a hook of %s, which deletes it before it makes it again; meanwhile new pods wait and mounted secrets do not rotate.", hook.who),
				"Remove the annotation: Helm and Argo CD apply the class with the release, and the kubelet tries again until it is there.")
			return
		}
	}
}
