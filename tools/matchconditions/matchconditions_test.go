// Package matchconditions tests which requests reach the webhooks, with the API
// server's own code reading deploy/install.yaml. A condition that fails to
// evaluate under failurePolicy Fail refuses the pod without a call, so each has to
// have an answer for every pod.
package matchconditions

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"
)

const (
	manifests = "../../deploy/install.yaml"

	mutating    = "pods.mutate.azure.keyvault.injector"
	asking      = "asking.validate.azure.keyvault.injector"
	handwritten = "handwritten.validate.azure.keyvault.injector"

	askingWorkloads      = "asking-workloads.validate.azure.keyvault.injector"
	handwrittenWorkloads = "handwritten-workloads.validate.azure.keyvault.injector"
	classes              = "classes.validate.azure.keyvault.injector"
)

// ofPods are the webhooks whose rules name pods.
var ofPods = []string{mutating, asking, handwritten}

// oldest is the Kubernetes version that the chart's kubeVersion promises.
var oldest = version.MajorMinor(1, 30)

func TestPodsThatReachAWebhook(t *testing.T) {
	annotated := func(kv ...string) metav1.ObjectMeta {
		meta := metav1.ObjectMeta{Name: "p", Namespace: "shop", Annotations: map[string]string{}}
		for i := 0; i < len(kv); i += 2 {
			meta.Annotations[kv[i]] = kv[i+1]
		}
		return meta
	}
	csiVolume := func(driver string) corev1.PodSpec {
		return corev1.PodSpec{Volumes: []corev1.Volume{
			{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			{Name: "v", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: driver}}},
		}}
	}
	const secretsStore = "secrets-store.csi.k8s.io"

	cases := map[string]struct {
		pod  corev1.Pod
		user string
		want []string
	}{
		"nothing at all":              {pod: corev1.Pod{}},
		"somebody else's annotations": {pod: corev1.Pod{ObjectMeta: annotated("azure.workload.identity/use", "true")}},
		"almost our prefix": {
			pod:  corev1.Pod{ObjectMeta: annotated("Azure.KeyVault-Injector.io/objects", "a")},
			want: []string{handwritten},
		},
		"another injector's": {pod: corev1.Pod{ObjectMeta: annotated("vault.hashicorp.com/agent-inject", "true")}},
		"our annotation": {
			pod:  corev1.Pod{ObjectMeta: annotated("azure.keyvault.injector/objects", "a")},
			want: []string{mutating, asking},
		},
		"our annotation, misspelt": {
			pod:  corev1.Pod{ObjectMeta: annotated("azure.keyvault.injector/objcets", "a")},
			want: []string{mutating, asking},
		},
		"our label, no annotations": {
			pod:  corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"azure.keyvault.injector/injected": "true"}}},
			want: []string{mutating, asking},
		},
		"a volume by hand": {
			pod:  corev1.Pod{Spec: csiVolume(secretsStore)},
			want: []string{handwritten},
		},
		"the driver in capitals": {
			pod:  corev1.Pod{Spec: csiVolume("Secrets-Store.CSI.k8s.io")},
			want: []string{handwritten},
		},
		"another driver's volume": {pod: corev1.Pod{Spec: csiVolume("disk.csi.azure.com")}},
		"a volume and our annotation": {
			pod:  corev1.Pod{ObjectMeta: annotated("azure.keyvault.injector/objects", "a"), Spec: csiVolume(secretsStore)},
			want: []string{mutating, asking},
		},
		"a mirror pod that asks": {
			pod: corev1.Pod{ObjectMeta: annotated("azure.keyvault.injector/objects", "a", "kubernetes.io/config.mirror", "x")},
		},
		"a mirror pod with a volume by hand": {
			pod: corev1.Pod{ObjectMeta: annotated("kubernetes.io/config.mirror", "x"), Spec: csiVolume(secretsStore)},
		},
		"our own service account": {
			pod:  corev1.Pod{ObjectMeta: annotated("azure.keyvault.injector/objects", "a")},
			user: "system:serviceaccount:akv-injector-system:akv-injector",
		},
		"a service account of our name elsewhere": {
			pod:  corev1.Pod{ObjectMeta: annotated("azure.keyvault.injector/objects", "a")},
			user: "system:serviceaccount:shop:akv-injector",
			want: []string{mutating, asking},
		},
	}
	compiler := cel.NewConditionCompiler(environment.MustBaseEnvSet(oldest))
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			// API servers hand CEL a typed pod or, older ones, a map.
			for form, object := range map[string]runtime.Object{"typed": &tc.pod, "map": asMap(t, &tc.pod)} {
				if got := called(t, compiler, create(object, tc.user)); !slices.Equal(got, tc.want) {
					t.Errorf("%s: called are %q, want %q", form, got, tc.want)
				}
			}
		})
	}
}

// called names the webhooks of pods that are called, in the order of the manifests.
func called(t *testing.T, compiler cel.ConditionCompiler, pod *admission.VersionedAttributes) []string {
	t.Helper()
	var names []string
	for _, hook := range webhooks(t) {
		if !slices.Contains(ofPods, hook.GetName()) {
			continue
		}
		got := hook.GetCompiledMatcher(compiler).Match(t.Context(), pod, nil, nil)
		switch {
		case got.Error != nil:
			t.Errorf("%s: %v", hook.GetName(), got.Error)
		case got.Matches:
			names = append(names, hook.GetName())
		default:
			t.Logf("%s is not called by its condition %q", hook.GetName(), got.FailedConditionName)
		}
	}
	return names
}

// No API server sends such an object. Each field that a condition reads is missing
// from it.
func TestConditionsHaveAnAnswerForAnEmptyObject(t *testing.T) {
	compiler := cel.NewConditionCompiler(environment.MustBaseEnvSet(oldest))
	empty := &unstructured.Unstructured{Object: map[string]any{}}
	for _, hook := range webhooks(t) {
		got := hook.GetCompiledMatcher(compiler).Match(t.Context(), create(empty, ""), nil, nil)
		// A class is looked at whatever it holds.
		if want := hook.GetName() == classes; got.Error != nil || got.Matches != want {
			t.Errorf("%s: called is %v, error %v", hook.GetName(), got.Matches, got.Error)
		}
	}
}

func TestNamespacesThatReachAWebhook(t *testing.T) {
	const optIn = "azure.keyvault.injector/injection"
	cases := map[string]struct {
		labels labels.Set
		want   bool
	}{
		"no labels":          {labels: labels.Set{corev1.LabelMetadataName: "shop"}},
		"opted in":           {labels: labels.Set{corev1.LabelMetadataName: "shop", optIn: "enabled"}, want: true},
		"opted out":          {labels: labels.Set{corev1.LabelMetadataName: "shop", optIn: "disabled"}},
		"kube-system":        {labels: labels.Set{corev1.LabelMetadataName: "kube-system", optIn: "enabled"}},
		"our own":            {labels: labels.Set{corev1.LabelMetadataName: "akv-injector-system", optIn: "enabled"}},
		"AKS control plane":  {labels: labels.Set{corev1.LabelMetadataName: "x", optIn: "enabled", "control-plane": "true"}},
		"managed by AKS":     {labels: labels.Set{corev1.LabelMetadataName: "x", optIn: "enabled", "kubernetes.azure.com/managedby": "aks"}},
		"managed by another": {labels: labels.Set{corev1.LabelMetadataName: "x", optIn: "enabled", "kubernetes.azure.com/managedby": "us"}, want: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for _, hook := range webhooks(t) {
				selector, err := hook.GetParsedNamespaceSelector()
				if err != nil {
					t.Fatal(err)
				}
				if got := selector.Matches(tc.labels); got != tc.want {
					t.Errorf("%s: selected is %v, want %v", hook.GetName(), got, tc.want)
				}
			}
		})
	}
}

// The API server compiles a new configuration's conditions with what the version
// before it knew, too.
func TestConditionsCompileOnTheOldestVersion(t *testing.T) {
	compiler := cel.NewCompiler(environment.MustBaseEnvSet(oldest))
	for _, hook := range webhooks(t) {
		for _, condition := range hook.GetMatchConditions() {
			accessor := matchconditions.MatchCondition(condition)
			vars := cel.OptionalVariableDeclarations{HasAuthorizer: true}
			if got := compiler.CompileCELExpression(&accessor, vars, environment.NewExpressions); got.Error != nil {
				t.Errorf("%s, condition %s: %v", hook.GetName(), condition.Name, got.Error)
			}
		}
	}
}

// The API server calls configurations in the order of their names, and the
// workload identity webhook reads the label and the service account that we set.
func TestOrderOfConfigurations(t *testing.T) {
	const workloadIdentity = "azure-wi-webhook-mutating-webhook-configuration"
	for _, hook := range webhooks(t) {
		if name := hook.GetConfigurationName(); name >= workloadIdentity {
			t.Errorf("configuration %q is called after %q", name, workloadIdentity)
		}
	}
}

func create(pod runtime.Object, username string) *admission.VersionedAttributes {
	kind := corev1.SchemeGroupVersion.WithKind("Pod")
	return &admission.VersionedAttributes{
		Attributes: admission.NewAttributesRecord(pod, nil, kind, "shop", "p",
			corev1.SchemeGroupVersion.WithResource("pods"), "", admission.Create, &metav1.CreateOptions{}, false,
			&user.DefaultInfo{Name: username}),
		VersionedKind:   kind,
		VersionedObject: admission.NewLazyObject(pod),
	}
}

func asMap(t *testing.T, pod runtime.Object) *unstructured.Unstructured {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}

// documents are those of the manifests.
func documents(t *testing.T) [][]byte {
	t.Helper()
	raw, err := os.ReadFile(manifests)
	if err != nil {
		t.Fatal(err)
	}
	return documentsIn(t, raw)
}

func documentsIn(t *testing.T, raw []byte) [][]byte {
	t.Helper()
	var found [][]byte
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, document)
	}
}

// webhooks reads every webhook in the manifests, six of them.
func webhooks(t *testing.T) []webhook.WebhookAccessor {
	t.Helper()
	var found []webhook.WebhookAccessor
	for _, document := range documents(t) {
		found = append(found, webhooksIn(t, document)...)
	}
	if len(found) != 6 {
		t.Fatalf("%d webhooks in %s, want 6", len(found), manifests)
	}
	return found
}

func webhooksIn(t *testing.T, document []byte) []webhook.WebhookAccessor {
	t.Helper()
	var meta metav1.TypeMeta
	unmarshal(t, document, &meta)
	var found []webhook.WebhookAccessor
	switch meta.Kind {
	case "MutatingWebhookConfiguration":
		var c admissionregistrationv1.MutatingWebhookConfiguration
		unmarshal(t, document, &c)
		for i := range c.Webhooks {
			found = append(found, webhook.NewMutatingWebhookAccessor(c.Webhooks[i].Name, c.Name, &c.Webhooks[i]))
		}
	case "ValidatingWebhookConfiguration":
		var c admissionregistrationv1.ValidatingWebhookConfiguration
		unmarshal(t, document, &c)
		for i := range c.Webhooks {
			found = append(found, webhook.NewValidatingWebhookAccessor(c.Webhooks[i].Name, c.Name, &c.Webhooks[i]))
		}
	}
	return found
}

func unmarshal(t *testing.T, document []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(document, into); err != nil {
		t.Fatal(err)
	}
}
