package doctor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/await"
)

// asked waits until the API server does with a pod that akv-injector would refuse what a fault, or its end, has it do: it hears of a
// changed configuration a moment later.
func asked(t *testing.T, b *bench, what string, as func(err error) bool) {
	t.Helper()
	err := await.Poll{Limit: 30 * time.Second}.Until(t.Context(), what, func(ctx context.Context) (bool, string) {
		err := b.API.Create(ctx, podIn("shop", "asked", map[string]string{annotation.IdentityMode: "wrong"}), client.DryRunAll)
		return as(err), fmt.Sprint(err)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func refusedByUs(err error) bool {
	return err != nil && strings.Contains(err.Error(), annotation.IdentityMode)
}

// notAsked is a cluster in which the API server does not call akv-injector at all.
func notAsked() fault {
	mutating := ourWebhooks("no webhook of akv-injector is configured", "AKVD025", "was not asked", func(c *admissionregistrationv1.MutatingWebhookConfiguration) { c.Webhooks = nil })
	var was admissionregistrationv1.ValidatingWebhookConfiguration
	get := func(t *testing.T, b *bench) *admissionregistrationv1.ValidatingWebhookConfiguration {
		t.Helper()
		c := named(&admissionregistrationv1.ValidatingWebhookConfiguration{}, "", "akv-injector")
		if err := b.API.Get(t.Context(), client.ObjectKeyFromObject(c), c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	put := func(t *testing.T, b *bench, webhooks []admissionregistrationv1.ValidatingWebhook) {
		t.Helper()
		c := get(t, b)
		c.Webhooks = webhooks
		if err := b.API.Update(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	both := mutating
	both.args = []string{"-n", "shop"}
	both.breaks = func(t *testing.T, b *bench) {
		t.Helper()
		get(t, b).DeepCopyInto(&was)
		mutating.breaks(t, b)
		put(t, b, nil)
		asked(t, b, "a pod that nobody refuses", func(err error) bool { return err == nil })
	}
	both.mends = func(t *testing.T, b *bench) {
		t.Helper()
		mutating.mends(t, b)
		put(t, b, was.Webhooks)
		asked(t, b, "a pod that akv-injector refuses", refusedByUs)
	}
	return both
}

// deaf is a cluster in which nothing answers at the webhook's address.
func deaf() fault {
	f := ourWebhooks("nothing answers at the webhook's address", "AKVD025", "connect", func(c *admissionregistrationv1.MutatingWebhookConfiguration) {
		url := "https://127.0.0.1:1/"
		c.Webhooks[0].ClientConfig.URL = &url
	})
	f.args = []string{"-n", "shop"}
	breaks, mends := f.breaks, f.mends
	f.breaks = func(t *testing.T, b *bench) {
		t.Helper()
		breaks(t, b)
		asked(t, b, "a webhook that does not answer", func(err error) bool { return err != nil && !refusedByUs(err) })
	}
	f.mends = func(t *testing.T, b *bench) {
		t.Helper()
		mends(t, b)
		asked(t, b, "a pod that akv-injector refuses", refusedByUs)
	}
	return f
}

// noClasses is a cluster without the definition of SecretProviderClasses.
func noClasses() fault {
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	crd.SetName("secretproviderclasses.secrets-store.csi.x-k8s.io")
	f := without("the definition of SecretProviderClasses is deleted", "AKVD002", "serves no secretproviderclasses", crd)
	breaks, mends := f.breaks, f.mends
	served := func(t *testing.T, b *bench, want bool) {
		t.Helper()
		err := await.Poll{Limit: 30 * time.Second}.Until(t.Context(), "the classes in the API server's discovery", func(context.Context) (bool, string) {
			list, err := b.Client.Discovery().ServerResourcesForGroupVersion(secretsstorev1.SchemeGroupVersion.String())
			if err != nil {
				return false, err.Error()
			}
			found := false
			for _, r := range list.APIResources {
				found = found || r.Name == "secretproviderclasses"
			}
			return found == want, fmt.Sprint("they are served: ", found)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	f.breaks = func(t *testing.T, b *bench) {
		t.Helper()
		breaks(t, b)
		served(t, b, false)
	}
	f.mends = func(t *testing.T, b *bench) {
		t.Helper()
		mends(t, b)
		served(t, b, true)
	}
	return f
}
