package admission_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"akv-injector/e2e/injector"
)

// none is another injector's or nobody's business: each of these pods is what it is
// without akv-injector, and costs no call.
var none = map[string]struct {
	namespace string
	labels    map[string]string
	pod       *unstructured.Unstructured
}{
	"a pod without a word, opted in":     {"opted-in", optedIn, plainPod("plain")},
	"an asking pod, not opted in":        {"not-opted-in", nil, askingPod("asking")},
	"a hand-written pod, not opted in":   {"also-not-opted-in", nil, handwrittenPod("by-hand", "own")},
	"opted in with another word":         {"almost-opted-in", map[string]string{"azure.keyvault.injector/injection": "true"}, askingPod("asking")},
	"an asking pod in kube-system":       {"kube-system", optedIn, askingPod("asking")},
	"an asking pod in our own namespace": {injector.Namespace, optedIn, annotated(plainPod("asking"), map[string]string{"objects": "a"})},
	"a namespace that AKS manages": {
		"aks-managed", map[string]string{"azure.keyvault.injector/injection": "enabled", "kubernetes.azure.com/managedby": "aks"}, askingPod("asking"),
	},
	"a control plane's namespace": {
		"control-plane", map[string]string{"azure.keyvault.injector/injection": "enabled", "control-plane": "yes"}, askingPod("asking"),
	},
	"a mirror pod": {"mirrors", optedIn, mirrorPod()},
}

// mirrorPod is a static pod as a kubelet tells the API server of it.
func mirrorPod() *unstructured.Unstructured {
	pod := askingPod("static-node-1")
	annotations := pod.GetAnnotations()
	annotations["kubernetes.io/config.mirror"] = "0123456789abcdef"
	pod.SetAnnotations(annotations)
	if err := unstructured.SetNestedField(pod.Object, "node-1", "spec", "nodeName"); err != nil {
		panic(err)
	}
	return pod
}

// storedWithoutUs is what the API server stores of each where akv-injector is not installed
// yet. The namespaces stay.
func (s *system) storedWithoutUs(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	for name, test := range none {
		err := s.CreateNamespace(t.Context(), test.namespace, test.labels, nil)
		if apierrors.IsAlreadyExists(err) {
			err = s.labelNamespace(t.Context(), test.namespace)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.CreateAccount(t, test.namespace)
	}
	without := map[string]*unstructured.Unstructured{}
	for name, test := range none {
		without[name] = s.mustAdmit(t, request{namespace: test.namespace, pod: test.pod}).pod
		s.remove(t, test.namespace, test.pod.GetName())
	}
	return without
}

func podsThatAreNoneOfOursAreUntouched(t *testing.T, s *system, without map[string]*unstructured.Unstructured) {
	before := s.allCalls(t)
	if before == 0 {
		t.Fatal("the API server counts no calls of webhooks that it has called")
	}
	for name, test := range none {
		for _, dryRun := range []bool{true, false} {
			a := s.mustAdmit(t, request{namespace: test.namespace, pod: test.pod, dryRun: dryRun})
			if diff := cmp.Diff(stored(without[name]), stored(a.pod)); diff != "" {
				t.Errorf("%s (dry run: %t) is changed:\n%s", name, dryRun, diff)
			}
			// The API server itself tells those who ask where nobody looks: a policy, no call
			// (package workloads has its test).
			others := slices.DeleteFunc(slices.Clone(a.warnings), func(w string) bool {
				return strings.HasPrefix(w, notOptedInFrame)
			})
			if len(others) > 0 {
				t.Errorf("%s (dry run: %t) is warned of: %q", name, dryRun, others)
			}
		}
		if after := s.allCalls(t); after != before {
			t.Errorf("%s: %g calls of our webhooks, want none", name, after-before)
			before = after
		}
	}
}

// labelNamespace opts in a namespace that the API server made by itself.
func (s *system) labelNamespace(ctx context.Context, name string) error {
	namespace, err := s.Client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if namespace.Labels == nil {
		namespace.Labels = map[string]string{}
	}
	maps.Copy(namespace.Labels, optedIn)
	if _, err := s.Client.CoreV1().Namespaces().Update(ctx, namespace, metav1.UpdateOptions{}); err != nil {
		return err
	}
	_, err = s.Client.CoreV1().ServiceAccounts(name).Create(ctx,
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{})
	return err
}

// remove deletes a pod and wants it gone: no kubelet has it.
func (s *system) remove(t *testing.T, namespace, name string) {
	t.Helper()
	now := int64(0)
	pods := s.Client.CoreV1().Pods(namespace)
	if err := pods.Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatalf("delete pod %s in %s: %v", name, namespace, err)
	}
	if _, err := pods.Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("pod %s in %s after its deletion: %v, want it gone", name, namespace, err)
	}
}
