package rules

import (
	"testing"

	"akv-injector/inject/annotation"
)

func TestNotOptedIn(t *testing.T) {
	testRule(t, "AKV021", map[string]ruleCase{
		"annotated": {func(r *ruled) {
			r.Annotate(annotation.Vault, "payments-kv")
			r.Annotate(annotation.Objects, "a")
			r.Annotate(annotation.MountPath, "/a")
			r.Facts.Namespace.Labels = nil
		}, []string{"warning metadata.annotations[azure.keyvault.injector/mount-path]"}},
		"by hand": {func(r *ruled) { r.Facts.Namespace.Labels = nil }, nil},
		"an unknown namespace": {func(r *ruled) {
			r.Annotate(annotation.Vault, "payments-kv")
			r.Annotate(annotation.Objects, "a")
			r.Annotate(annotation.MountPath, "/a")
			r.Facts.Namespace = nil
		}, nil},
	})
}
