package attacks_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
)

// applyPolicies applies the policies of the chart with values, and no other object of it.
func applyPolicies(t *testing.T, c *cluster.Cluster, values string) {
	t.Helper()
	objects, err := injector.Chart(t.Context(), values)
	if err != nil {
		t.Fatal(err)
	}
	applied := 0
	for _, o := range objects {
		if !strings.HasPrefix(o.GetKind(), "ValidatingAdmissionPolicy") {
			continue
		}
		applied++
		if err := injector.Apply(t.Context(), c.Config, o); err != nil {
			t.Fatal(err)
		}
	}
	if applied == 0 {
		t.Fatal("the chart has no policy")
	}
}

func stopAll(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, r := range c.Injector.Replicas() {
		if err := c.Injector.StopReplica(r); err != nil {
			t.Fatal(err)
		}
	}
}

// With the optional policies, the API server itself finds what needs no lookup, and holds the
// cluster's own fence in every namespace, while no replica answers.
func TestOptionalPolicies(t *testing.T) {
	t.Parallel()
	c := start(t, 1)
	const in, warns, out = "shop", "adopting", "stranger"
	c.Namespace(t, in, nil)
	c.Namespace(t, warns, map[string]string{annotation.RotationPolicy: "warn"})
	if err := c.CreateNamespace(t.Context(), out, nil, nil); err != nil {
		t.Fatal(err)
	}
	c.CreateAccount(t, out)
	applyPolicies(t, c, `
rulePolicy: Deny
fence: {everyNamespace: true}
server: {allowedVaults: "{namespace}-*,shared-kv"}
`)
	stopAll(t, c)
	api := as(t, c, user)

	changed := func(namespace string, change func(*corev1.Pod)) *corev1.Pod {
		pod := mounting(namespace, "by-hand", nil, "a", "b")
		change(pod)
		return pod
	}
	faults := map[string]func(*corev1.Pod){
		"AKV001": func(p *corev1.Pod) { p.Spec.Containers[0].VolumeMounts[0].SubPath = "DB-Password" },
		"AKV002": func(p *corev1.Pod) { p.Spec.Volumes[1].CSI.ReadOnly = nil },
		"AKV005": func(p *corev1.Pod) { p.Spec.Volumes[0].CSI.VolumeAttributes["rotationPollInterval"] = "1s" },
		"AKV010": func(p *corev1.Pod) { p.Spec.Volumes[1].CSI.VolumeAttributes["secretProviderClass"] = "a" },
	}
	waivable := map[string]bool{"AKV001": true, "AKV005": true}
	for rule, fault := range faults {
		// The first may come before the API server has compiled the policies.
		awaitSeen(t, rule+" to be found by the policy", func(ctx context.Context) error {
			return api.Create(ctx, changed(in, fault), client.DryRunAll)
		})
		err := api.Create(t.Context(), changed(in, fault))
		if !byVerdict(err) || !strings.Contains(err.Error(), rule) || !strings.Contains(err.Error(), "akv-injector-rules") {
			t.Errorf("%s: %v, want it refused by the policy of the rules", rule, err)
		}
		if err := api.Create(t.Context(), changed(warns, fault), client.DryRunAll); (err == nil) != waivable[rule] {
			t.Errorf("%s where the namespace only warns: %v, want it refused: %t", rule, err, !waivable[rule])
		}
		if err := api.Create(t.Context(), changed(out, fault), client.DryRunAll); err != nil {
			t.Errorf("%s in a namespace that did not opt in: %v", rule, err)
		}
	}
	if err := api.Create(t.Context(), changed(in, func(*corev1.Pod) {}), client.DryRunAll); err != nil {
		t.Errorf("a pod with nothing wrong: %v", err)
	}

	for _, namespace := range []string{in, out} {
		for vault, allowed := range map[string]bool{namespace + "-kv": true, "shared-kv": true, outside: false} {
			object := mounting(namespace, "attribute", map[string]string{"keyvaultName": vault}, "a")
			if err := api.Create(t.Context(), object, client.DryRunAll); byVerdict(err) == allowed {
				t.Errorf("a volume of the vault %s in %s: %v, want it refused: %t", vault, namespace, err, !allowed)
			}
			if err := api.Create(t.Context(), class(namespace, "of-"+vault, vault), client.DryRunAll); byVerdict(err) == allowed {
				t.Errorf("a class of the vault %s in %s: %v, want it refused: %t", vault, namespace, err, !allowed)
			}
		}
	}
}
