package inject_test

import (
	"testing"

	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/internal/testing/fixture"
)

// An update of a class outside the fence is spared only if what is mounted stays as it was:
// other objects of the same vault are as new as another vault.
func TestClassUpdateOutsideTheFence(t *testing.T) {
	ns := fixture.New().Facts.Namespace
	ns.Annotations[annotation.AllowedVaults] = "other-*"
	for name, tc := range map[string]struct {
		change  func(*secretsstorev1.SecretProviderClass)
		refused bool
	}{
		"a label":      {func(c *secretsstorev1.SecretProviderClass) { c.Labels = map[string]string{"team": "a"} }, false},
		"its objects":  {func(c *secretsstorev1.SecretProviderClass) { c.Spec.Parameters["objects"] = "array: []" }, true},
		"its identity": {func(c *secretsstorev1.SecretProviderClass) { c.Spec.Parameters["clientID"] = fixture.Tenant }, true},
		"its vault":    {func(c *secretsstorev1.SecretProviderClass) { c.Spec.Parameters["keyvaultName"] = "third-kv" }, true},
		"to the fence": {func(c *secretsstorev1.SecretProviderClass) { c.Spec.Parameters["keyvaultName"] = "other-kv" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := fixture.New().Class
			now := before.DeepCopy()
			tc.change(now)
			refused := false
			for _, f := range inject.DecideClassUpdate(inject.ParseClass(now, ns, inject.Settings{}), inject.ParseClass(before, ns, inject.Settings{}), facts.Facts{Namespace: ns}) {
				refused = refused || f.Name == "vault-not-allowed" && f.Severity == finding.Error
			}
			if refused != tc.refused {
				t.Errorf("refused is %t, want %t", refused, tc.refused)
			}
		})
	}
}
