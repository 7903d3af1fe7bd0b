package inject

import "testing"

func TestIdentityMismatch(t *testing.T) {
	testRule(t, "AKV014", map[string]ruleCase{
		"another": {func(r *ruled) { r.class.Spec.Parameters[ParamClient] = someTenant }, []string{"warning " + classField}},
		"in another case": {func(r *ruled) {
			r.class.Spec.Parameters[ParamClient] = "ABCDEFAB-1111-1111-1111-111111111111"
			r.facts.ServiceAccounts["app"].Annotations[AnnotationIdentityClientID] = "abcdefab-1111-1111-1111-111111111111"
		}, nil},
		"none on the account": {func(r *ruled) {
			r.class.Spec.Parameters[ParamClient] = someTenant
			r.facts.ServiceAccounts["app"].Annotations = nil
		}, nil},
		"the node's": {func(r *ruled) {
			r.class.Spec.Parameters[ParamClient] = someTenant
			r.class.Spec.Parameters[ParamVMIdentity] = "true"
		}, nil},
		"nobody looked": {func(r *ruled) { r.class.Spec.Parameters[ParamClient] = someTenant; r.facts.ServiceAccounts = nil }, nil},
	})
}
