package inject

import (
	"testing"

	"akv-injector/inject/annotation"
)

func TestNotOptedIn(t *testing.T) {
	testRule(t, "AKV021", map[string]ruleCase{
		"annotated": {func(r *ruled) {
			r.annotate(annotation.Vault, "payments-kv")
			r.annotate(annotation.Objects, "a")
			r.annotate(annotation.MountPath, "/a")
			r.facts.Namespace.Labels = nil
		}, []string{"warning metadata.annotations[azure.keyvault.injector/mount-path]"}},
		"by hand": {func(r *ruled) { r.facts.Namespace.Labels = nil }, nil},
		"an unknown namespace": {func(r *ruled) {
			r.annotate(annotation.Vault, "payments-kv")
			r.annotate(annotation.Objects, "a")
			r.annotate(annotation.MountPath, "/a")
			r.facts.Namespace = nil
		}, nil},
	})
}
