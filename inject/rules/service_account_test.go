package rules

import (
	"testing"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func TestServiceAccount(t *testing.T) {
	testRule(t, "AKV012", map[string]ruleCase{
		"missing": {func(r *ruled) {
			r.Annotate(annotation.Vault, "payments-kv")
			r.Annotate(annotation.Objects, "a")
			r.Annotate(annotation.MountPath, "/a")
			r.Facts.ServiceAccounts["app"] = nil
		}, []string{"error spec.serviceAccountName"}},
		"missing for a template": {func(r *ruled) {
			r.Annotate(annotation.Vault, "payments-kv")
			r.Annotate(annotation.Objects, "a")
			r.Annotate(annotation.MountPath, "/a")
			r.Facts.ServiceAccounts["app"] = nil
			r.Target.Template = true
		}, []string{"warning spec.serviceAccountName"}},
		"not looked up": {func(r *ruled) {
			r.Annotate(annotation.Vault, "payments-kv")
			r.Annotate(annotation.Objects, "a")
			r.Annotate(annotation.MountPath, "/a")
			r.Facts.ServiceAccounts = nil
		}, nil},
		"without a client id": {func(r *ruled) {
			r.Annotate(annotation.Vault, "payments-kv")
			r.Annotate(annotation.Objects, "a")
			r.Annotate(annotation.MountPath, "/a")
			delete(r.Facts.ServiceAccounts["app"].Annotations, provider.AnnotationClientID)
		}, []string{"error spec.serviceAccountName"}},
		"of a pod that does not ask": {func(r *ruled) { r.Facts.ServiceAccounts["app"] = nil }, nil},
	})
}
