package rules

import (
	"testing"

	"akv-injector/inject/provider"
)

func TestIdentityMismatch(t *testing.T) {
	testRule(t, "AKV014", map[string]ruleCase{
		"another": {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamClient] = someTenant }, []string{"warning " + classField}},
		"in another case": {func(r *ruled) {
			r.Class.Spec.Parameters[provider.ParamClient] = "ABCDEFAB-1111-1111-1111-111111111111"
			r.Facts.ServiceAccounts["app"].Annotations[provider.AnnotationClientID] = "abcdefab-1111-1111-1111-111111111111"
		}, nil},
		"not set on the account": {func(r *ruled) {
			r.Class.Spec.Parameters[provider.ParamClient] = someTenant
			r.Facts.ServiceAccounts["app"].Annotations = nil
		}, nil},
		"the node's": {func(r *ruled) {
			r.Class.Spec.Parameters[provider.ParamClient] = someTenant
			r.Class.Spec.Parameters[provider.ParamVMIdentity] = "true"
		}, nil},
		"not looked up": {func(r *ruled) {
			r.Class.Spec.Parameters[provider.ParamClient] = someTenant
			r.Facts.ServiceAccounts = nil
		}, nil},
	})
}
