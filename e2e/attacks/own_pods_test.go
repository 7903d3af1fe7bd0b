package attacks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
)

// Whoever has our own account's token may change one annotation of pods in namespaces that have
// opted in, and nothing else. Here the account has all rights: what stops it is admission.
func TestOwnAccountAndPods(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	const in, out = "tenant", "stranger"
	c.Namespace(t, in, nil)
	if err := c.CreateNamespace(t.Context(), out, nil, nil); err != nil {
		t.Fatal(err)
	}
	c.CreateAccount(t, out)
	own := as(t, c, account(injector.Namespace, injector.ServiceAccount))
	admin := as(t, c, user)
	pods := map[string]*corev1.Pod{}
	for _, namespace := range []string{in, out} {
		pod := mounting(namespace, "victim", nil)
		pod.Spec.Containers[0].VolumeMounts = nil
		pod.Annotations = map[string]string{"example.com/note": "mine"}
		pod.Labels = map[string]string{"app": "victim"}
		pod.Finalizers = []string{"example.com/keep"}
		if err := admin.Create(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
		pods[namespace] = pod
	}
	patch := func(namespace string, content any) error {
		t.Helper()
		raw, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		return own.Status().Patch(t.Context(), pods[namespace].DeepCopy(), client.RawPatch(types.MergePatchType, raw), client.DryRunAll)
	}
	type object = map[string]any
	metadata := func(key string, value any) object { return object{"metadata": object{key: value}} }
	refreshed := func(value any) object { return metadata("annotations", object{annotation.RefreshedAt: value}) }
	const now = "2026-01-02T03:04:05.678Z"
	awaitSeen(t, "the API server to have the policy", func(context.Context) error { return patch(in, refreshed("no time")) })
	if err := patch(in, refreshed(now)); err != nil {
		t.Fatalf("the one annotation: %v", err)
	}
	for name, content := range map[string]object{
		"no time":                   refreshed("$(rm -rf /)"),
		"a time and more":           refreshed(now + "\nmore"),
		"no annotation":             metadata("annotations", nil),
		"another annotation":        metadata("annotations", object{annotation.RefreshedAt: now, "example.com/new": "x"}),
		"another's annotation":      metadata("annotations", object{annotation.RefreshedAt: now, "example.com/note": "theirs"}),
		"another's instead of ours": metadata("annotations", object{"example.com/note": nil, annotation.RefreshedAt: now}),
		"our status annotation":     metadata("annotations", object{annotation.RefreshedAt: now, annotation.Status: "{}"}),
		"a label":                   {"metadata": object{"labels": object{"app": "other"}, "annotations": object{annotation.RefreshedAt: now}}},
		"a finalizer":               {"metadata": object{"finalizers": []string{}, "annotations": object{annotation.RefreshedAt: now}}},
		"the address":               {"status": object{"podIP": "10.0.0.1", "podIPs": []object{{"ip": "10.0.0.1"}}}, "metadata": object{"annotations": object{annotation.RefreshedAt: now}}},
		"the phase":                 {"status": object{"phase": "Failed"}, "metadata": object{"annotations": object{annotation.RefreshedAt: now}}},
		"a condition":               {"status": object{"conditions": []object{{"type": "Ready", "status": "True"}}}, "metadata": object{"annotations": object{annotation.RefreshedAt: now}}},
	} {
		if err := patch(in, content); !byVerdict(err) || !strings.Contains(err.Error(), "akv-injector-own-pods") {
			t.Errorf("%s: %v, want it refused by the policy", name, err)
		}
	}
	if err := patch(out, refreshed(now)); !byVerdict(err) {
		t.Errorf("in a namespace that has not opted in: %v", err)
	}
	// Not through the pod itself, its other subresources, or a new pod.
	pod := &corev1.Pod{}
	if err := own.Get(t.Context(), client.ObjectKeyFromObject(pods[in]), pod); err != nil {
		t.Fatal(err)
	}
	pod.Annotations[annotation.RefreshedAt] = now
	if err := own.Update(t.Context(), pod, client.DryRunAll); !byVerdict(err) {
		t.Errorf("the annotation by the pod itself: %v", err)
	}
	if err := own.Create(t.Context(), cluster.Pod(in, "new", "DB-Password"), client.DryRunAll); !byVerdict(err) {
		t.Errorf("a new pod: %v", err)
	}
	evict := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: in, Name: "victim"}}
	if err := own.SubResource("eviction").Create(t.Context(), pods[in].DeepCopy(), evict, client.DryRunAll); !byVerdict(err) || !strings.Contains(err.Error(), "akv-injector-own-pods") {
		t.Errorf("an eviction: %v", err)
	}
	// With the readiness gate the account may open it, too, and still nothing else.
	applyPolicies(t, c, "mountedGate: {enabled: true}")
	for _, namespace := range []string{in, out} {
		pod := mounting(namespace, "gated", nil)
		pod.Spec.Containers[0].VolumeMounts = nil
		pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: annotation.ConditionMounted}}
		if err := admin.Create(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
		pods[namespace+" gated"] = pod
	}
	setTo := func(name string, conditions ...object) error {
		t.Helper()
		raw, err := json.Marshal(object{"status": object{"conditions": conditions}})
		if err != nil {
			t.Fatal(err)
		}
		return own.Status().Patch(t.Context(), pods[name].DeepCopy(), client.RawPatch(types.StrategicMergePatchType, raw), client.DryRunAll)
	}
	open := object{"type": annotation.ConditionMounted, "status": "True", "reason": "Mounted", "message": "yes"}
	with := func(key string, value any) object {
		changed := maps.Clone(open)
		changed[key] = value
		return changed
	}
	soon.Require(t, "the API server to have the policy with the gate", func(context.Context) (bool, string) {
		err := setTo(in+" gated", open)
		return err == nil, fmt.Sprint(err)
	})
	for name, try := range map[string]struct {
		pod        string
		conditions []object
	}{
		"of a pod without the gate":       {in, []object{open}},
		"of another's without the gate":   {out, []object{open}},
		"a gate that is closed":           {in + " gated", []object{with("status", "False")}},
		"a reason of somebody's":          {in + " gated", []object{with("reason", "Hacked")}},
		"a long message":                  {in + " gated", []object{with("message", strings.Repeat("x", 200))}},
		"another condition":               {in + " gated", []object{{"type": "Ready", "status": "True"}}},
		"another condition with the gate": {in + " gated", []object{open, {"type": "Ready", "status": "True"}}},
		"another's gate":                  {in + " gated", []object{with("type", "example.com/gate")}},
	} {
		if err := setTo(try.pod, try.conditions...); !byVerdict(err) || !strings.Contains(err.Error(), "akv-injector-own-pods") {
			t.Errorf("%s: %v, want it refused by the policy", name, err)
		}
	}
	// Who has a gate is let through, wherever the pod is by now; who is nudged has opted in.
	if err := setTo(out+" gated", open); err != nil {
		t.Errorf("the gate of a pod whose namespace has not opted in: %v", err)
	}
	if err := patch(out+" gated", refreshed(now)); !byVerdict(err) {
		t.Errorf("the annotation of such a pod: %v", err)
	}
	if err := patch(in+" gated", object{"status": object{"podIP": "10.0.0.1"}}); !byVerdict(err) {
		t.Errorf("the address of a pod with the gate: %v", err)
	}
	if err := patch(in, refreshed(now)); err != nil {
		t.Errorf("the one annotation: %v", err)
	}
	// And others are not held to it.
	if err := admin.Status().Patch(t.Context(), pods[in].DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"app":"other"}}}`)), client.DryRunAll); err != nil {
		t.Errorf("an administrator: %v", err)
	}
}
