package inject

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"akv-injector/internal/text"
)

// AKV007 reads the classes that the volumes name. It only warns: the class may come a
// moment later, and the kubelet retries a mount sooner than a controller retries a pod
// that was refused.
var classNotFoundRule = Rule{
	ID: "AKV007", Name: "class-not-found", Severities: []Severity{Warning},
	Summary:  "A secrets-store volume that names a SecretProviderClass which the namespace does not have.",
	Prevents: "The pod waits in ContainerCreating until the class exists.",
	Evidence: "Secrets Store CSI driver 1.6.0 fails the mount, and the kubelet tries again.",
	Remedy:   "Create the class in the pod's namespace, or correct the name.",
	On:       podsAndTemplates,
}

func checkClassNotFound(s *subject) []Finding {
	var findings []Finding
	for i := range s.volumes {
		v := &s.volumes[i]
		if v.ClassName == "" || v.generated != nil || v.Class != nil || !v.looked {
			continue
		}
		findings = append(findings, found("AKV007", Warning, field.ErrorTypeNotFound, v.classPath(),
			fmt.Sprintf("The namespace has no SecretProviderClass %q; the pod waits in ContainerCreating until it exists.", text.Shorten(v.ClassName)),
			"Create the class in the pod's namespace, or correct the name."))
	}
	return findings
}
