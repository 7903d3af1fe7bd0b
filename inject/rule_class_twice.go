package inject

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// AKV010 reads the classes of all secrets-store volumes of a pod. The driver 1.6.0 keeps
// one SecretProviderClassPodStatus a pod and class: two volumes of one class overwrite
// each other's, and one of them no longer rotates.
var classTwiceRule = Rule{
	ID: "AKV010", Name: "class-twice", Severities: []Severity{Error},
	Summary:  "One SecretProviderClass in two volumes of a pod.",
	Prevents: "The driver keeps one record for both volumes, and one of them stops rotating.",
}

func checkClassTwice(s *subject) []Finding {
	var findings []Finding
	first := map[string]string{}
	for i := range s.volumes {
		v := &s.volumes[i]
		if v.className == "" {
			continue
		}
		if name, ok := first[v.className]; ok {
			findings = append(findings, found("AKV010", Error, field.ErrorTypeDuplicate, v.classPath(),
				fmt.Sprintf("The volume %q mounts the SecretProviderClass %q too; the driver keeps one record for both, and one stops rotating.", shorten(name), shorten(v.className)),
				fmt.Sprintf("Remove one volume and mount %q in every container that needs it.", shorten(name))))
			continue
		}
		first[v.className] = v.Name
	}
	return findings
}
