package inject_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
)

// mountedPod returns a stored pod, with the classes of its namespace.
func mountedPod(t *testing.T) (*corev1.Pod, map[string]*facts.Class) {
	t.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(`
metadata: {name: web, namespace: shop}
spec:
  containers:
    - name: app
      volumeMounts: [{name: store, mountPath: /mnt/file, subPath: file}]
      env: [{name: KEY, valueFrom: {secretKeyRef: {name: synced, key: k}}}]
  volumes:
    - name: store
      csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: by-hand, keyvaultName: " other-kv "}}
    - name: gone
      csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: gone}}
    - name: elsewhere
      csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: elsewhere}}
    - name: config
      emptyDir: {}
`), &pod); err != nil {
		t.Fatal(err)
	}
	class := func(name string, provider secretsstorev1.Provider) *facts.Class {
		return facts.NewClass(&secretsstorev1.SecretProviderClass{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"},
			Spec: secretsstorev1.SecretProviderClassSpec{
				Provider: provider,
				Parameters: map[string]string{
					"keyvaultName": "shop-kv", "cloudName": "azureusgovernment",
					"objects": "array:\n- |\n  objectName: DB-Password\n  objectType: secret\n  objectAlias: file\n- |\n  objectName: broken\n  objectType: sekret\n",
				},
				SecretObjects: []*secretsstorev1.SecretObject{{SecretName: "synced"}},
			},
		})
	}
	return &pod, map[string]*facts.Class{
		"by-hand": class("by-hand", "azure"), "elsewhere": class("elsewhere", "vault"),
	}
}

// Outdated content is found in every stored pod: one that waives the rules, one that asks for
// injection, and one of a controller, for which only the template is refused.
func TestOutdated(t *testing.T) {
	want := []string{
		"AKV001 spec.containers[0].volumeMounts[0].subPath",
		"AKV006 spec.containers[0].env[0].valueFrom.secretKeyRef",
	}
	for name, change := range map[string]func(*corev1.Pod){
		"unchanged": func(*corev1.Pod) {},
		"waived":    func(p *corev1.Pod) { p.Annotations = map[string]string{annotation.Allow: "AKV001, AKV006"} },
		"asking": func(p *corev1.Pod) {
			p.Annotations = map[string]string{annotation.Vault: "shop-kv", annotation.Objects: "@@@"}
		},
		"of a controller": func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", Controller: new(true)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod, classes := mountedPod(t)
			change(pod)
			before := pod.DeepCopy()
			var got []string
			for _, f := range inject.Outdated(pod, classes) {
				got = append(got, f.Rule+" "+f.Place.String())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, pod); diff != "" {
				t.Error("the pod was changed:", diff)
			}
		})
	}
}
