package admission_test

import (
	"testing"

	"k8s.io/client-go/rest"

	"akv-injector/e2e/injector"
	"akv-injector/internal/testing/corpus"
)

// Users whom the administrator acts as, in the groups that the API server gives them.
var (
	injectorUser = serviceAccount(injector.Namespace, injector.ServiceAccount)
	// builtinController is one of the cluster's own; RBAC for it is built in.
	builtinController = serviceAccount("kube-system", "replicaset-controller")
	// foreignController is an operator that somebody installed.
	foreignController = serviceAccount("operators", "rollouts")
)

// unasked may do anything, and akv-injector is not asked about it: one of the cluster's
// own controllers. What a case finds there is written so.
var unasked = rest.ImpersonationConfig{
	UserName: "system:serviceaccount:kube-system:namespace-controller", Groups: []string{"system:masters"},
}

// workloadOrigin is who writes the case's workload or class.
func workloadOrigin(t *testing.T, c *corpus.Case) rest.ImpersonationConfig {
	t.Helper()
	if c.Options.Origin != "builtin-controller" {
		return origin(t, c)
	}
	as := serviceAccount("kube-system", "deployment-controller")
	as.Groups = append(as.Groups, "system:masters")
	return as
}

func serviceAccount(namespace, name string) rest.ImpersonationConfig {
	return rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":" + name,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	}
}
