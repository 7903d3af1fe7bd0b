package rules

import (
	"testing"

	"akv-injector/inject/provider"
)

func TestAttributeOverride(t *testing.T) {
	testRule(t, "AKV009", map[string]ruleCase{
		"a parameter":                {func(r *ruled) { r.CSI().VolumeAttributes[provider.ParamVault] = "other-kv" }, []string{"error spec.volumes[0].csi.volumeAttributes[keyvaultName]"}},
		"in its other spelling":      {func(r *ruled) { r.CSI().VolumeAttributes[provider.ParamTenantOld] = someTenant }, []string{"error spec.volumes[0].csi.volumeAttributes[tenantId]"}},
		"what the class leaves open": {func(r *ruled) { r.CSI().VolumeAttributes[provider.ParamCloud] = provider.DefaultCloud }, nil},
	})
}
