package rules

import (
	"testing"

	"akv-injector/inject/provider"
)

func TestClassParameters(t *testing.T) {
	testRule(t, "AKV008", map[string]ruleCase{
		"no class named": {func(r *ruled) { delete(r.CSI().VolumeAttributes, provider.AttributeClass) }, []string{"error " + classField}},
		"no vault":       {func(r *ruled) { delete(r.Class.Spec.Parameters, provider.ParamVault) }, []string{"error " + classField}},
		"no tenant":      {func(r *ruled) { delete(r.Class.Spec.Parameters, provider.ParamTenant) }, []string{"error " + classField}},
		"the old spelling of tenant": {func(r *ruled) {
			delete(r.Class.Spec.Parameters, provider.ParamTenant)
			r.Class.Spec.Parameters[provider.ParamTenantOld] = someTenant
		}, nil},
		"elements that are maps": {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamObjects] = "array:\n- objectName: a\n" }, []string{"error " + classField}},
		"a pfx as text":          {func(r *ruled) { r.Object("{objectName: a, objectType: secret, objectFormat: pfx}") }, []string{"warning " + classField}},
		"another provider":       {func(r *ruled) { r.Class.Spec.Provider = "vault"; r.Class.Spec.Parameters = nil }, nil},
	})
}

func TestParametersOfAClass(t *testing.T) {
	r := newRuled()
	delete(r.Class.Spec.Parameters, provider.ParamTenant)
	r.Object("{objectName: a, objectType: secret, objectFormat: pfx, filePermission: x}")
	wantClassFindings(t, r, []string{
		"error AKV008 spec.parameters.objects[0].filePermission",
		"error AKV008 spec.parameters.tenantID",
		"warning AKV008 spec.parameters.objects[0].objectEncoding",
	})
}
