package inject

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

// ValidateCloud says what is wrong with a cloud's name, or "".
func ValidateCloud(name string) finding.Problem {
	if slices.ContainsFunc(clouds, func(c string) bool { return strings.EqualFold(c, name) }) {
		return finding.Problem{}
	}
	return finding.Problem{What: "not a cloud that the Azure provider knows", Fix: text.DidYouMean(name, clouds)}
}

// canonicalCloud gives equal clouds one spelling, so that they share a class.
func canonicalCloud(name string) string {
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

// ValidateTenant says what is wrong with a tenant's id, or "". Entra ID takes a
// GUID or one of the tenant's domain names.
func ValidateTenant(id string) finding.Problem {
	if isGUID(id) {
		return finding.Problem{}
	}
	if labels := strings.Split(id, "."); len(labels) >= 2 && len(id) <= 253 {
		if !slices.ContainsFunc(labels, func(l string) bool {
			return l == "" || !text.IsName(l) || l[0] == '-' || l[len(l)-1] == '-'
		}) {
			return finding.Problem{}
		}
	}
	return finding.Problem{What: "not a tenant", Fix: "write its GUID (az account show --query tenantId -o tsv) or one of its domain names"}
}

// clientIDProblem says what is wrong with an identity's client id, or "".
func clientIDProblem(id string) finding.Problem {
	if isGUID(id) {
		return finding.Problem{}
	}
	return finding.Problem{What: "not a client id", Fix: "write the identity's GUID (az identity show --query clientId -o tsv)"}
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if c := s[i]; !text.IsAlphanumeric(c) || c|0x20 > 'f' {
				return false
			}
		}
	}
	return true
}
