package webhook

import (
	"slices"
	"strings"

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
	prefixKubeSystem        = "system:serviceaccount:kube-system:"
)

// builtinControllers are the service accounts in kube-system of the controllers that make pods
// and workloads. Not every account there is one: operators are installed there too, and make
// pods from templates that their users write.
var builtinControllers = []string{
	"deployment-controller", "replicaset-controller", "replication-controller", "statefulset-controller",
	"daemon-set-controller", "job-controller", "cronjob-controller",
}

// builtin reports whether a user is one of the cluster's own controllers, which act as
// kube-controller-manager or with a service account each.
func builtin(user authenticationv1.UserInfo) bool {
	if user.Username == userControllerManager {
		return true
	}
	account, ok := strings.CutPrefix(user.Username, prefixKubeSystem)
	return ok && slices.Contains(user.Groups, groupKubeSystemAccounts) && slices.Contains(builtinControllers, account)
}

// originOf returns who made an object. The owner reference is the object's own claim, which
// any user can write; the user comes from the API server. Only both together identify a
// controller.
func originOf(user authenticationv1.UserInfo, o metav1.Object) workload.Origin {
	switch {
	case metav1.GetControllerOfNoCopy(o) == nil:
		return workload.FromUser
	case builtin(user):
		return workload.FromBuiltinController
	case slices.Contains(user.Groups, groupServiceAccounts):
		return workload.FromController
	default:
		return workload.FromUser
	}
}
