package rules

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/provider"
	"akv-injector/internal/testing/fixture"
)

func TestDefaultAccount(t *testing.T) {
	place := []string{"warning spec.serviceAccountName"}
	testRule(t, "AKV026", map[string]ruleCase{
		"none":       {func(r *ruled) { r.Pod.Pod.Spec.ServiceAccountName = "" }, place},
		"by name":    {func(r *ruled) { r.Pod.Pod.Spec.ServiceAccountName = "default" }, place},
		"deprecated": {func(r *ruled) { r.Pod.Pod.Spec.ServiceAccountName, r.Pod.Pod.Spec.DeprecatedServiceAccount = "", "app" }, nil},
		"meant": {func(r *ruled) {
			r.Pod.Pod.Spec.ServiceAccountName = ""
			r.Facts.ServiceAccounts["default"] = &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{provider.AnnotationClientID: fixture.Client}}}
		}, nil},
		"the node's identity": {func(r *ruled) {
			r.Pod.Pod.Spec.ServiceAccountName = ""
			r.Class.Spec.Parameters[provider.ParamVMIdentity] = "true"
		}, nil},
		"no client id": {func(r *ruled) {
			r.Pod.Pod.Spec.ServiceAccountName = ""
			r.Class.Spec.Parameters[provider.ParamClient] = "<your-client-id>"
		}, nil},
	})
}
