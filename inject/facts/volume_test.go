package facts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject/facts"
)

// mountedPod is a pod as it is stored, with the classes of its namespace.
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

// A volume is what the driver passes to the provider: the class's parameters with the
// volume's attributes over them.
func TestMountedVolumes(t *testing.T) {
	pod, classes := mountedPod(t)
	type volume struct {
		Name, Class, Vault, Cloud string
		Exists                    bool
		Objects                   []string
		Errors                    int
	}
	var got []volume
	known := facts.Facts{Classes: classes}
	for _, v := range known.Volumes(&pod.Spec) {
		cloud, vault := v.Vault()
		g := volume{v.Name, v.ClassName, vault, cloud, v.Class != nil, nil, len(v.Errors)}
		for _, o := range v.Objects {
			g.Objects = append(g.Objects, o.Type+"/"+o.Name+" "+o.File())
		}
		got = append(got, g)
	}
	want := []volume{
		{"store", "by-hand", "other-kv", "AzureUSGovernmentCloud", true, []string{"secret/DB-Password file", "sekret/broken broken"}, 1},
		{"gone", "gone", "", "", false, nil, 0},
		{"elsewhere", "elsewhere", "", "", true, nil, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
