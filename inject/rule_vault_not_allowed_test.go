package inject

import "testing"

func TestVaultNotAllowed(t *testing.T) {
	testRule(t, "AKV018", map[string]ruleCase{
		"outside": {func(r *ruled) { r.facts.Namespace.Annotations[AnnotationAllowedVaults] = "other-*" }, []string{"error " + classField}},
		"inside":  {func(r *ruled) { r.facts.Namespace.Annotations[AnnotationAllowedVaults] = "pay*" }, nil},
		"by an attribute": {func(r *ruled) {
			r.facts.Namespace.Annotations[AnnotationAllowedVaults] = "pay*"
			r.csi().VolumeAttributes[ParamVault] = "other-kv"
		}, []string{"error spec.volumes[0].csi.volumeAttributes[keyvaultName]"}},
	})
}

func TestVaultOfAClass(t *testing.T) {
	r := newRuled()
	r.facts.Namespace.Annotations[AnnotationAllowedVaults] = "other-*"
	r.facts.Namespace.Annotations[AnnotationRotationPolicy] = "warn"
	wantClassFindings(t, r, []string{"error AKV018 spec.parameters.keyvaultName"})
}
