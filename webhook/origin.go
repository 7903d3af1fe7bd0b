package webhook

import (
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/workload"
)

// Names that the API server gives to those who make objects.
const (
	userControllerManager   = "system:kube-controller-manager"
	groupServiceAccounts    = "system:serviceaccounts"
	groupKubeSystemAccounts = "system:serviceaccounts:kube-system"
	prefixServiceAccount    = "system:serviceaccount:"
)

// originOf returns who made an object. The owner reference is the object's own claim, which
// any user can write; the user comes from the API server. Only both together identify a
// controller. The cluster's own controllers act as kube-controller-manager or,
// with a service account each, in kube-system.
func originOf(user authenticationv1.UserInfo, o metav1.Object) workload.Origin {
	builtin := user.Username == userControllerManager || slices.Contains(user.Groups, groupKubeSystemAccounts)
	switch {
	case metav1.GetControllerOfNoCopy(o) == nil:
		return workload.FromUser
	case builtin:
		return workload.FromBuiltinController
	case slices.Contains(user.Groups, groupServiceAccounts):
		return workload.FromController
	default:
		return workload.FromUser
	}
}
