package webhook

import (
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject"
)

// Names that the API server gives to those who make pods.
const (
	userControllerManager   = "system:kube-controller-manager"
	groupServiceAccounts    = "system:serviceaccounts"
	groupKubeSystemAccounts = "system:serviceaccounts:kube-system"
	prefixServiceAccount    = "system:serviceaccount:"
)

// originOf tells who made the pod. The owner reference is the pod's own word, which
// anybody can write; the user is the API server's. Only together do they tell a
// controller. The cluster's own controllers act as kube-controller-manager or,
// with a service account each, in kube-system.
func originOf(user authenticationv1.UserInfo, pod *corev1.Pod) inject.Origin {
	builtin := user.Username == userControllerManager || slices.Contains(user.Groups, groupKubeSystemAccounts)
	switch {
	case metav1.GetControllerOfNoCopy(pod) == nil:
		return inject.FromUser
	case builtin:
		return inject.FromBuiltinController
	case slices.Contains(user.Groups, groupServiceAccounts):
		return inject.FromController
	default:
		return inject.FromUser
	}
}
