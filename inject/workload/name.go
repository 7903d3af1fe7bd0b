package workload

import (
	"k8s.io/apimachinery/pkg/util/validation"

	"akv-injector/inject/finding"
)

// NameProblem is what is wrong with an object's name, if anything.
func NameProblem(name string) finding.Problem {
	if len(validation.IsDNS1123Subdomain(name)) == 0 {
		return finding.Problem{}
	}
	return finding.Problem{
		What: "not the name of a Kubernetes object",
		Fix:  "write at most 253 lower case letters, digits, hyphens and dots, with a letter or digit at both ends",
	}
}
