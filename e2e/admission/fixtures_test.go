package admission_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const account = "workload-identity-sa"

// optedIn are the labels of a namespace that takes part.
var optedIn = map[string]string{"azure.keyvault.injector/injection": "enabled"}

var namespaces atomic.Int32

// namespace makes a namespace of the test's own, with a service account that has an identity.
func (s *system) namespace(t *testing.T, labels, annotations map[string]string) string {
	t.Helper()
	name := fmt.Sprintf("test-%d", namespaces.Add(1))
	if err := s.makeNamespace(t.Context(), name, labels, annotations); err != nil {
		t.Fatal(err)
	}
	return name
}

func (s *system) makeNamespace(ctx context.Context, name string, labels, annotations map[string]string) error {
	if err := s.cp.CreateNamespace(ctx, name, labels, annotations); err != nil {
		return err
	}
	return s.makeAccount(ctx, name)
}

func (s *system) makeAccount(ctx context.Context, namespace string) error {
	_, err := s.cp.Client.CoreV1().ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Name: account, Annotations: map[string]string{
			"azure.workload.identity/client-id": "5d2f4c8e-0b1a-4c3d-9e6f-7a8b9c0d1e2f",
			"azure.workload.identity/tenant-id": "11111111-2222-3333-4444-555555555555",
		}},
	}, metav1.CreateOptions{})
	return err
}

// askingPod asks for one secret.
func askingPod(name string) *unstructured.Unstructured {
	return object(`
apiVersion: v1
kind: Pod
metadata:
  name: ` + name + `
  annotations:
    azure.keyvault.injector/vault: payments-kv
    azure.keyvault.injector/objects: DB-Password
    azure.keyvault.injector/service-account: ` + account + `
spec:
  containers:
  - {name: app, image: none}
`)
}

// handwrittenPod mounts a class without asking.
func handwrittenPod(name, class string) *unstructured.Unstructured {
	return object(`
apiVersion: v1
kind: Pod
metadata:
  name: ` + name + `
spec:
  serviceAccountName: ` + account + `
  containers:
  - name: app
    image: none
    volumeMounts:
    - {name: secrets, mountPath: /secrets, readOnly: true}
  volumes:
  - name: secrets
    csi:
      driver: secrets-store.csi.k8s.io
      readOnly: true
      volumeAttributes: {secretProviderClass: ` + class + `}
`)
}

// plainPod has nothing to do with us.
func plainPod(name string) *unstructured.Unstructured {
	return object(`
apiVersion: v1
kind: Pod
metadata:
  name: ` + name + `
  annotations: {team: payments}
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  initContainers:
  - name: prepare
    image: none
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  containers:
  - name: app
    image: none
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    volumeMounts: [{name: scratch, mountPath: /scratch, subPath: a}]
  volumes: [{name: scratch, emptyDir: {}}]
`)
}

// object reads YAML that the test itself wrote.
func object(text string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}
	return u
}

// annotated sets annotations under our prefix.
func annotated(pod *unstructured.Unstructured, settings map[string]string) *unstructured.Unstructured {
	annotations := pod.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	for k, v := range settings {
		annotations["azure.keyvault.injector/"+k] = v
	}
	pod.SetAnnotations(annotations)
	return pod
}

// first is the first element of a list of objects in u.
func first(u *unstructured.Unstructured, fields ...string) map[string]any {
	list, _, err := unstructured.NestedFieldNoCopy(u.Object, fields...)
	if err != nil {
		panic(err)
	}
	return list.([]any)[0].(map[string]any)
}
