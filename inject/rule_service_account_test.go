package inject

import (
	"testing"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func TestServiceAccount(t *testing.T) {
	testRule(t, "AKV012", map[string]ruleCase{
		"missing": {func(r *ruled) {
			r.annotate(annotation.Vault, "payments-kv")
			r.annotate(annotation.Objects, "a")
			r.annotate(annotation.MountPath, "/a")
			r.facts.ServiceAccounts["app"] = nil
		}, []string{"error spec.serviceAccountName"}},
		"missing for a template": {func(r *ruled) {
			r.annotate(annotation.Vault, "payments-kv")
			r.annotate(annotation.Objects, "a")
			r.annotate(annotation.MountPath, "/a")
			r.facts.ServiceAccounts["app"] = nil
			r.target.Template = true
		}, []string{"warning spec.serviceAccountName"}},
		"nobody looked": {func(r *ruled) {
			r.annotate(annotation.Vault, "payments-kv")
			r.annotate(annotation.Objects, "a")
			r.annotate(annotation.MountPath, "/a")
			r.facts.ServiceAccounts = nil
		}, nil},
		"without a client id": {func(r *ruled) {
			r.annotate(annotation.Vault, "payments-kv")
			r.annotate(annotation.Objects, "a")
			r.annotate(annotation.MountPath, "/a")
			delete(r.facts.ServiceAccounts["app"].Annotations, provider.AnnotationClientID)
		}, []string{"error spec.serviceAccountName"}},
		"of a pod that does not ask": {func(r *ruled) { r.facts.ServiceAccounts["app"] = nil }, nil},
	})
}
