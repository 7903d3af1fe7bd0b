package rules

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/internal/text"
)

// AKV007 checks that the classes of the volumes exist. It only warns: the class may be
// created a moment later, and the kubelet retries a mount sooner than a controller retries
// a refused pod.
var classNotFound = Rule{
	Rule: finding.Rule{
		ID: "AKV007", Name: "class-not-found", Severities: []finding.Severity{finding.Warning},
		Summary:  "A secrets-store volume whose SecretProviderClass does not exist in the namespace.",
		Prevents: "The pod waits in ContainerCreating until the class exists.",
		Evidence: "Secrets Store CSI driver 1.6.0 fails the mount, and the kubelet retries it.",
		Remedy:   "Create the class in the pod's namespace, or correct the name.",
	},
	Pod: checkClassNotFound,
}

func checkClassNotFound(p *Pod, r *Report) {
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if v.ClassName == "" || provider.Reserved(v.ClassName) || v.Generated != nil || v.Class != nil || !v.Looked {
			continue
		}
		r.Warn(field.ErrorTypeNotFound, v.classPlace(),
			fmt.Sprintf("The namespace has no SecretProviderClass %q; the pod waits in ContainerCreating until it exists.", text.Shorten(v.ClassName)),
			"Create the class in the pod's namespace, or correct the name.")
	}
}
