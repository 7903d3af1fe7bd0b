package attacks_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
	"akv-injector/inject/annotation"
)

// A cluster with the manifests from before the policies, and with what they let pass, is
// upgraded by applying the manifests of today.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	c := cluster.Bare(t, controlplane.Options{})
	text, err := os.ReadFile("testdata/install-before-policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, err := injector.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range before {
		// The webhooks of then had a server; cert-manager and the Deployment have none here.
		switch o.GetKind() {
		case "Deployment", "Issuer", "Certificate", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
			continue
		}
		if err := injector.Apply(t.Context(), c.Config, o); err != nil {
			t.Fatal(err)
		}
	}
	today, err := injector.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	// A fence with a glob that was one then, and whose error was only warned of.
	const namespace = "legacy"
	c.Namespace(t, namespace, map[string]string{annotation.AllowedVaults: "shop-[a-z]*, shop-kv"})

	if err := c.Install(t.Context(), limited(1)); err != nil {
		t.Fatal(err)
	}
	api := as(t, c, user)
	ns := &corev1.Namespace{}
	if err := api.Get(t.Context(), client.ObjectKey{Name: namespace}, ns); err != nil {
		t.Fatal(err)
	}
	ns.Labels["team"] = "shop"
	if err := api.Update(t.Context(), ns); err != nil {
		t.Errorf("another label of a namespace whose fence has an error: %v", err)
	}
	if err := api.Create(t.Context(), class(namespace, "inside", "shop-kv")); err != nil {
		t.Errorf("a class that the readable part of the fence allows: %v", err)
	}
	if err := api.Create(t.Context(), class(namespace, "other", "shop-abc")); !byVerdict(err) {
		t.Errorf("%v, want a class refused that only the unreadable part would allow", err)
	}
	setFence(t, c, namespace, "shop-*")
	// The API server's admission and ours read the namespace from caches.
	soon.Require(t, "the corrected fence to allow its vaults", func(ctx context.Context) (bool, string) {
		err := api.Create(ctx, class(namespace, "other", "shop-abc"))
		return err == nil, fmt.Sprint(err)
	})
	honest := cluster.Pod(namespace, "asks", "DB-Password")
	honest.Annotations[annotation.Vault] = "shop-kv"
	soon.Require(t, "a pod to be injected", func(ctx context.Context) (bool, string) {
		err := api.Create(ctx, honest.DeepCopy())
		return err == nil, fmt.Sprint(err)
	})
	var leftover unstructured.UnstructuredList
	leftover.SetAPIVersion("admissionregistration.k8s.io/v1")
	leftover.SetKind("ValidatingAdmissionPolicyList")
	want := 0
	for _, o := range today {
		if o.GetKind() == "ValidatingAdmissionPolicy" {
			want++
		}
	}
	if err := api.List(t.Context(), &leftover); err != nil || len(leftover.Items) != want || want == 0 {
		t.Errorf("%d policies (%v), want the %d of today", len(leftover.Items), err, want)
	}
}
