package inject

import "testing"

func TestNotOptedIn(t *testing.T) {
	testRule(t, "AKV021", map[string]ruleCase{
		"annotated": {func(r *ruled) {
			r.annotate(AnnotationVault, "payments-kv")
			r.annotate(AnnotationObjects, "a")
			r.annotate(AnnotationMountPath, "/a")
			r.facts.Namespace.Labels = nil
		}, []string{"warning metadata.annotations[azure.keyvault.injector/mount-path]"}},
		"by hand": {func(r *ruled) { r.facts.Namespace.Labels = nil }, nil},
		"an unknown namespace": {func(r *ruled) {
			r.annotate(AnnotationVault, "payments-kv")
			r.annotate(AnnotationObjects, "a")
			r.annotate(AnnotationMountPath, "/a")
			r.facts.Namespace = nil
		}, nil},
	})
}
