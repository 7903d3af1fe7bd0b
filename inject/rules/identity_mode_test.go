package rules

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"akv-injector/inject/provider"
)

func TestIdentityMode(t *testing.T) {
	testRule(t, "AKV011", map[string]ruleCase{
		"pod identity": {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamPodIdentity] = "true" }, []string{"error " + classField}},
		"no identity":  {func(r *ruled) { delete(r.Class.Spec.Parameters, provider.ParamClient) }, []string{"error " + classField}},
		"a service principal": {func(r *ruled) {
			delete(r.Class.Spec.Parameters, provider.ParamClient)
			r.CSI().NodePublishSecretRef = &corev1.LocalObjectReference{Name: "sp"}
		}, []string{"warning " + classField}},
		"a service principal without workload identity": {func(r *ruled) {
			delete(r.Class.Spec.Parameters, provider.ParamClient)
			r.CSI().NodePublishSecretRef = &corev1.LocalObjectReference{Name: "sp"}
			r.Facts.CSIDriver = nil
		}, nil},
		"the node's": {func(r *ruled) { r.Class.Spec.Parameters[provider.ParamVMIdentity] = "true" }, []string{"warning " + classField}},
	})
}

func TestIdentityOfAClass(t *testing.T) {
	r := newRuled()
	delete(r.Class.Spec.Parameters, provider.ParamClient)
	wantClassFindings(t, r, []string{"warning AKV011 spec.parameters.clientID"})
	r.Class.Spec.Parameters[provider.ParamVMIdentity] = "true"
	wantClassFindings(t, r, []string{"warning AKV011 spec.parameters.useVMManagedIdentity", "warning AKV011 spec.parameters.userAssignedIdentityID"})
	r.Class.Spec.Parameters[provider.ParamPodIdentity] = "true"
	wantClassFindings(t, r, []string{"error AKV008 spec.parameters", "error AKV011 spec.parameters.usePodIdentity", "warning AKV011 spec.parameters.userAssignedIdentityID"})
}
