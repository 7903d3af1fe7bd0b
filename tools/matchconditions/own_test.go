package matchconditions

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Of an Argo Rollout, whose CRD no test cluster has, akv-injector's account may set restartAt alone.
// The kinds of Kubernetes are tried on the real API server (e2e/attacks TestOwnAccountAndWorkloads),
// and so is the policy of pods.
func TestOwnRollouts(t *testing.T) {
	const us = "system:serviceaccount:akv-injector-system:akv-injector"
	const now = "2026-01-02T03:04:05Z"
	rollouts := schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"}
	rollout := func(change func(spec map[string]any)) runtime.Object {
		spec := map[string]any{"replicas": int64(2), "template": map[string]any{"spec": map[string]any{"containers": []any{}}}}
		if change != nil {
			change(spec)
		}
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": map[string]any{"name": "web", "namespace": "shop"}, "spec": spec,
		}}
	}
	restarted := func(spec map[string]any) { spec["restartAt"] = now }
	own := policyIn(t, rendered(t, "--namespace", "akv-injector-system", "--set", "restart.enabled=true"), "akv-injector-own-workloads")
	in := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"azure.keyvault.injector/injection": "enabled"}}}
	out := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	for name, tc := range map[string]struct {
		write
		ns   *corev1.Namespace
		deny bool
	}{
		"a restart":              {write{now: rollout(restarted), before: rollout(nil), user: us}, in, false},
		"another restart":        {write{now: rollout(restarted), before: rollout(func(s map[string]any) { s["restartAt"] = "2025-01-02T03:04:05Z" }), user: us}, in, false},
		"not opted in":           {write{now: rollout(restarted), before: rollout(nil), user: us}, out, true},
		"no time":                {write{now: rollout(func(s map[string]any) { s["restartAt"] = "soon" }), before: rollout(nil), user: us}, in, true},
		"replicas too":           {write{now: rollout(func(s map[string]any) { restarted(s); s["replicas"] = int64(0) }), before: rollout(nil), user: us}, in, true},
		"a template too":         {write{now: rollout(func(s map[string]any) { restarted(s); s["template"] = map[string]any{} }), before: rollout(nil), user: us}, in, true},
		"a field more":           {write{now: rollout(func(s map[string]any) { restarted(s); s["paused"] = true }), before: rollout(nil), user: us}, in, true},
		"a field less":           {write{now: rollout(func(s map[string]any) { restarted(s); delete(s, "template") }), before: rollout(nil), user: us}, in, true},
		"a new one":              {write{now: rollout(restarted), user: us}, in, true},
		"somebody else's change": {write{now: rollout(nil), before: rollout(restarted), user: "jane"}, out, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := denied(t, own, tc.write, rollouts, tc.ns); got != tc.deny {
				t.Errorf("denied is %t, want %t", got, tc.deny)
			}
		})
	}
}

// The policy of pods compiles on the oldest version that has policies, and lets others be.
func TestOwnPodsPolicy(t *testing.T) {
	own := policy(t, "akv-injector-own-pods")
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
	if denied(t, own, write{now: pod, before: pod, user: "kubelet"}, corev1.SchemeGroupVersion.WithKind("Pod"), nil) {
		t.Error("the kubelet is held to our annotation")
	}
	if !denied(t, own, write{now: pod, before: pod, user: "system:serviceaccount:akv-injector-system:akv-injector"}, corev1.SchemeGroupVersion.WithKind("Pod"), nil) {
		t.Error("our account may write pods")
	}
}
