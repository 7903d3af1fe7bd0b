package inject

import (
	"testing"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func TestPinnedVersion(t *testing.T) {
	testRule(t, "AKV004", map[string]ruleCase{
		"in the class": {func(r *ruled) { r.object("{objectName: a, objectType: secret, objectVersion: abc}") }, []string{"error " + classField}},
		"empty":        {func(r *ruled) { r.object(`{objectName: a, objectType: secret, objectVersion: ""}`) }, nil},
		"latest of a history": {func(r *ruled) {
			r.object("{objectName: a, objectType: secret, objectVersion: latest, objectVersionHistory: 3}")
		}, nil},
		"latest alone":        {func(r *ruled) { r.object("{objectName: a, objectType: secret, objectVersion: latest}") }, []string{"error " + classField}},
		"of another provider": {func(r *ruled) { r.object("{objectName: a, objectVersion: abc}"); r.class.Spec.Provider = "aws" }, nil},
		"waived by the class": {func(r *ruled) {
			r.object("{objectName: a, objectType: secret, objectVersion: abc}")
			r.class.Annotations = map[string]string{annotation.Allow: "AKV004"}
		}, []string{"warning " + classField}},
		"in an annotation": {func(r *ruled) {
			r.annotate(annotation.Vault, "payments-kv")
			r.annotate(annotation.Objects, "a@abc")
			r.annotate(annotation.MountPath, "/a")
		}, []string{"error metadata.annotations[azure.keyvault.injector/objects]"}},
	})
}

func TestPinnedVersionInAClass(t *testing.T) {
	r := newRuled()
	r.class.Spec.Parameters[provider.ParamObjects] = "array:\n- |\n  objectName: a\n  objectType: secret\n- |\n  objectName: b\n  objectType: secret\n  objectVersion: abc\n"
	wantClassFindings(t, r, []string{"error AKV004 spec.parameters.objects[1].objectVersion"})
}
