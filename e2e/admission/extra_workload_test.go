package admission_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
)

const rollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: app
          image: app
          volumeMounts:
            - {name: secrets, mountPath: /mnt/secrets-store, readOnly: true, subPath: %q}
      volumes:
        - name: secrets
          csi:
            driver: secrets-store.csi.k8s.io
            readOnly: true
            volumeAttributes: {secretProviderClass: payments}
`

// A workload of another API group, registered by the chart's preset, is judged when it is written: the real API server asks
// about an object of a CRD.
func TestExtraWorkload(t *testing.T) {
	t.Parallel()
	options := installed()
	options.Args = append(options.Args, "--extra-workload=rollouts.v1alpha1.argoproj.io=spec.template")
	s := own(t, options)
	if _, err := controlplane.InstallCRDs(t.Context(), s.Config, "testdata/rollouts"); err != nil {
		t.Fatal(err)
	}
	registerExtraWorkloads(t, s)
	namespace := s.namespace(t)
	client, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	rollouts := client.Resource(schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"}).Namespace(namespace)
	object := func(subPath string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(fmt.Appendf(nil, rollout, subPath), &o.Object); err != nil {
			t.Fatal(err)
		}
		return o
	}
	soon.Require(t, "the refusal of a Rollout with a subPath", func(ctx context.Context) (bool, string) {
		_, err := rollouts.Create(ctx, object("DB-Password"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return apierrors.IsInvalid(err), fmt.Sprint(err)
	})
	_, err = rollouts.Create(t.Context(), object("DB-Password"), metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "spec.template.spec.containers[0].volumeMounts[0].subPath") || !strings.Contains(err.Error(), "AKV001") {
		t.Errorf("a subPath: %v", err)
	}
	stored, err := rollouts.Create(t.Context(), object(""), metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("a fine one: %v", err)
	}
	if err := unstructured.SetNestedField(stored.Object, int64(3), "spec", "replicas"); err != nil {
		t.Fatal(err)
	}
	if _, err := rollouts.Update(t.Context(), stored, metav1.UpdateOptions{}); err != nil {
		t.Errorf("scaled: %v", err)
	}
}

// registerExtraWorkloads makes the webhook configuration the one that the chart writes with the preset.
func registerExtraWorkloads(t *testing.T, s *system) {
	t.Helper()
	now, err := s.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), "akv-injector", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := now.Webhooks[0].ClientConfig
	base := (*config.URL)[:strings.LastIndex(*config.URL, "/")]
	objects, err := injector.Chart(t.Context(), "extraWorkloads: [{preset: rollouts}]")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.GetKind() != "ValidatingWebhookConfiguration" {
			continue
		}
		if err := injector.CallByURL(o, base, config.CABundle); err != nil {
			t.Fatal(err)
		}
		if err := injector.Apply(t.Context(), s.Config, o); err != nil {
			t.Fatal(err)
		}
	}
}
