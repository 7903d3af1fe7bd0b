package facts

import (
	authorizationv1 "k8s.io/api/authorization/v1"

	"akv-injector/inject/provider"
)

// Review asks the API server whether an account of a namespace may use an identity, as the token proxy of AKS asks it.
func (u Use) Review(namespace string) *authorizationv1.SubjectAccessReview {
	const accounts = "system:serviceaccounts"
	return &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + namespace + ":" + u.Account,
		Groups:             []string{accounts, accounts + ":" + namespace, "system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: provider.BindingVerb, Group: provider.BindingGroup, Resource: u.ClientID},
	}}
}

// PermissionIn is the answer to a review. A refusal by an authorizer that could not look is none.
func PermissionIn(status *authorizationv1.SubjectAccessReviewStatus) Permission {
	switch {
	case status.Allowed:
		return Allowed
	case status.EvaluationError != "" && !status.Denied:
		return NotKnown
	}
	return Denied
}
