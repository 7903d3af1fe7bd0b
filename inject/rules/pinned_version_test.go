package rules

import (
	"testing"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func TestPinnedVersion(t *testing.T) {
	testRule(t, "AKV004", map[string]ruleCase{
		"in the class": {func(r *ruled) { r.Object("{objectName: a, objectType: secret, objectVersion: abc}") }, []string{"error " + classField}},
		"empty":        {func(r *ruled) { r.Object(`{objectName: a, objectType: secret, objectVersion: ""}`) }, nil},
		"latest of a history": {func(r *ruled) {
			r.Object("{objectName: a, objectType: secret, objectVersion: latest, objectVersionHistory: 3}")
		}, nil},
		"latest alone":        {func(r *ruled) { r.Object("{objectName: a, objectType: secret, objectVersion: latest}") }, []string{"error " + classField}},
		"of another provider": {func(r *ruled) { r.Object("{objectName: a, objectVersion: abc}"); r.Class.Spec.Provider = "aws" }, nil},
		"waived by the class": {func(r *ruled) {
			r.Object("{objectName: a, objectType: secret, objectVersion: abc}")
			r.Class.Annotations = map[string]string{annotation.Allow: "AKV004"}
		}, []string{"warning " + classField}},
		"in an annotation": {func(r *ruled) {
			r.Annotate(annotation.Vault, "payments-kv")
			r.Annotate(annotation.Objects, "a@abc")
			r.Annotate(annotation.MountPath, "/a")
		}, []string{"error metadata.annotations[azure.keyvault.injector/objects]"}},
	})
}

func TestPinnedVersionInAClass(t *testing.T) {
	r := newRuled()
	r.Class.Spec.Parameters[provider.ParamObjects] = "array:\n- |\n  objectName: a\n  objectType: secret\n- |\n  objectName: b\n  objectType: secret\n  objectVersion: abc\n"
	wantClassFindings(t, r, []string{"error AKV004 spec.parameters.objects[1].objectVersion"})
}
