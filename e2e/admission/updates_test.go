package admission_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Only a pod's creation is ours: whatever happens to it later costs no call and
// waits for nobody, least of all its deletion.
func updatesOfAnInjectedPodCostNoCall(t *testing.T, s *system) {
	namespace := s.namespace(t)
	for _, name := range []string{"while-up", "while-down"} {
		pod := askingPod(name)
		pod.SetFinalizers([]string{"example.com/keep"})
		a := s.mustAdmit(t, request{namespace: namespace, pod: pod})
		if a.pod.GetLabels()["azure.keyvault.injector/injected"] != "true" {
			t.Fatalf("%s is not injected: %v", name, a.pod.Object)
		}
	}

	before := s.allCalls(t)
	s.useUp(t, namespace, "while-up")
	if after := s.allCalls(t); after != before {
		t.Errorf("%g calls of our webhooks, want none", after-before)
	}
	for _, r := range s.Injector.Replicas() {
		if err := s.Injector.StopReplica(r); err != nil {
			t.Fatal(err)
		}
	}
	if a := s.admit(t.Context(), request{namespace: namespace, pod: askingPod("refused")}); httpCode(a.err) != 500 {
		t.Fatalf("an asking pod while akv-injector is down: %v, want it refused by failurePolicy", a.err)
	}
	if a := s.admit(t.Context(), request{namespace: namespace, pod: plainPod("plain")}); a.err != nil {
		t.Errorf("a plain pod while akv-injector is down: %v", a.err)
	}
	s.useUp(t, namespace, "while-down")
	for _, r := range s.Injector.Replicas() {
		if err := s.Injector.StartReplica(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Injector.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// useUp does to a pod all that is done to one until it is gone.
func (s *system) useUp(t *testing.T, namespace, name string) {
	t.Helper()
	pods := s.Client.CoreV1().Pods(namespace)
	patch := func(body string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := pods.Patch(ctx, name, types.MergePatchType, []byte(body), metav1.PatchOptions{})
			return err
		}
	}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"label it", patch(`{"metadata":{"labels":{"a":"b"}}}`)},
		{"annotate it as if it asked anew", patch(`{"metadata":{"annotations":{"azure.keyvault.injector/objects":"other"}}}`)},
		{"bind it to a node", func(ctx context.Context) error {
			return pods.Bind(ctx, &corev1.Binding{
				ObjectMeta: metav1.ObjectMeta{Name: name}, Target: corev1.ObjectReference{Kind: "Node", Name: "node-1"},
			}, metav1.CreateOptions{})
		}},
		{"report its status", func(ctx context.Context) error {
			_, err := pods.Patch(ctx, name, types.MergePatchType, []byte(`{"status":{"phase":"Running"}}`), metav1.PatchOptions{}, "status")
			return err
		}},
		{"debug it", func(ctx context.Context) error {
			body := `{"spec":{"ephemeralContainers":[{"name":"debug","image":"none"}]}}`
			_, err := pods.Patch(ctx, name, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{}, "ephemeralcontainers")
			return err
		}},
		{"evict it", func(ctx context.Context) error {
			return pods.EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: name}})
		}},
		{"take its finalizer off", patch(`{"metadata":{"finalizers":null}}`)},
	}
	for _, step := range steps {
		if err := step.do(t.Context()); err != nil {
			t.Errorf("%s: %s: %v", name, step.what, err)
		}
	}
	s.remove(t, namespace, name)
}
