package rules

import (
	"testing"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func TestVaultNotAllowed(t *testing.T) {
	testRule(t, "AKV018", map[string]ruleCase{
		"outside": {func(r *ruled) { r.Facts.Namespace.Annotations[annotation.AllowedVaults] = "other-*" }, []string{"error " + classField}},
		"inside":  {func(r *ruled) { r.Facts.Namespace.Annotations[annotation.AllowedVaults] = "pay*" }, nil},
		"by an attribute": {func(r *ruled) {
			r.Facts.Namespace.Annotations[annotation.AllowedVaults] = "pay*"
			r.CSI().VolumeAttributes[provider.ParamVault] = "other-kv"
		}, []string{"error spec.volumes[0].csi.volumeAttributes[keyvaultName]"}},
	})
}

func TestVaultOfAClass(t *testing.T) {
	r := newRuled()
	r.Facts.Namespace.Annotations[annotation.AllowedVaults] = "other-*"
	r.Facts.Namespace.Annotations[annotation.RotationPolicy] = "warn"
	wantClassFindings(t, r, []string{"error AKV018 spec.parameters.keyvaultName"})
}
