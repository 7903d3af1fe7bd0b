package provider

import (
	"slices"
	"strings"

	"akv-injector/inject/finding"
	"akv-injector/internal/text"
)

// TenantProblem is what is wrong with a tenant's id, if anything. Entra ID accepts a GUID
// or one of the tenant's domain names.
func TenantProblem(id string) finding.Problem {
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
	return finding.Problem{What: "not a tenant id", Fix: "write its GUID (az account show --query tenantId -o tsv) or one of its domain names"}
}

// ClientIDProblem is what is wrong with an identity's client id, if anything.
func ClientIDProblem(id string) finding.Problem {
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

// BindingRoleFormat is a List in JSON, as a format of printf: a ClusterRole that lets a ServiceAccount use an identity by a binding, and its ClusterRoleBinding. It
// takes the role's name, the client id, the role's name twice, the account and its namespace.
const BindingRoleFormat = `{"apiVersion":"v1","kind":"List","items":[` +
	`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"%s"},"rules":[{"verbs":["` + BindingVerb + `"],"apiGroups":["` + BindingGroup + `"],"resources":["%s"]}]},` +
	`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"%s"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"%s"},` +
	`"subjects":[{"kind":"ServiceAccount","name":"%s","namespace":"%s"}]}]}`
