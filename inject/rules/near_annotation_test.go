package rules

import "testing"

func TestNearAnnotation(t *testing.T) {
	testRule(t, "AKV030", map[string]ruleCase{
		"near": {func(r *ruled) {
			r.Annotate("azure.keyvault-injector/objects", "a")
			r.Annotate("azure.keyvault.injector.io/vault", "a")
		}, []string{"warning metadata.annotations[azure.keyvault-injector/objects]", "warning metadata.annotations[azure.keyvault.injector.io/vault]"}},
		"others": {func(r *ruled) { r.Annotate("vault.hashicorp.com/agent-inject", "true") }, nil},
	})
}
