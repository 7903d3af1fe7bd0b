package rules

import (
	"testing"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
)

func TestBindingNotAllowed(t *testing.T) {
	use := func(r *ruled, permission facts.Permission) {
		r.Class.Spec.Parameters[provider.ParamTokenProxy] = "true"
		account := workload.AccountOf(r.Target.Spec)
		r.Facts.Uses = map[facts.Use]facts.Permission{{Account: account, ClientID: r.Class.Spec.Parameters[provider.ParamClient]}: permission}
	}
	testRule(t, "AKV033", map[string]ruleCase{
		"denied":    {func(r *ruled) { use(r, facts.Denied) }, []string{"warning " + classField}},
		"allowed":   {func(r *ruled) { use(r, facts.Allowed) }, nil},
		"not known": {func(r *ruled) { use(r, facts.NotKnown) }, nil},
		"not asked": {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamTokenProxy] = "true" }, nil},
		"of another account": {func(r *ruled) {
			use(r, facts.Denied)
			r.Target.Spec.ServiceAccountName = "another"
		}, nil},
		"no binding": {func(r *ruled) {
			use(r, facts.Denied)
			delete(r.Class.Spec.Parameters, provider.ParamTokenProxy)
		}, nil},
	})
}
