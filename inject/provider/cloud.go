package provider

import (
	"slices"
	"strings"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// clouds are the cloudName values that the Azure provider 1.8.2 knows
// (go-autorest's EnvironmentFromName), in the spelling that its docs use.
// AzureStackCloud is not among them: it needs a file on every node.
var clouds = []string{
	"AzurePublicCloud", "AzureUSGovernmentCloud", "AzureChinaCloud", "AzureGermanCloud",
	"AzureCloud", "AzureUSGovernment",
}

// DefaultCloud is the cloud of a class that names none.
const DefaultCloud = "AzurePublicCloud"

// CloudProblem is what is wrong with a cloud's name, if anything.
func CloudProblem(name string) finding.Problem {
	if slices.ContainsFunc(clouds, func(c string) bool { return strings.EqualFold(c, name) }) {
		return finding.Problem{}
	}
	return finding.Problem{What: "not a cloud that the Azure provider knows", Fix: text.DidYouMean(name, clouds)}
}

// CanonicalCloud is the one spelling of equal clouds, so that they share a class. It is
// DefaultCloud for an empty name.
func CanonicalCloud(name string) string {
	if name == "" {
		return DefaultCloud
	}
	for _, c := range clouds {
		if strings.EqualFold(c, name) {
			switch c {
			case "AzureCloud":
				return DefaultCloud
			case "AzureUSGovernment":
				return "AzureUSGovernmentCloud"
			}
			return c
		}
	}
	return name
}
