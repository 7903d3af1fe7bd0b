package admission_test

import (
	"k8s.io/client-go/rest"

	"akv-injector/e2e/injector"
)

// Users whom the administrator acts as, in the groups that the API server gives them.
var (
	injectorUser = serviceAccount(injector.Namespace, injector.ServiceAccount)
	// builtinController is one of the cluster's own; RBAC for it is built in.
	builtinController = serviceAccount("kube-system", "replicaset-controller")
	// foreignController is an operator that somebody installed.
	foreignController = serviceAccount("operators", "rollouts")
)

func serviceAccount(namespace, name string) rest.ImpersonationConfig {
	return rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":" + name,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	}
}
