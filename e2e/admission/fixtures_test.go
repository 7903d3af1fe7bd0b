package admission_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"akv-injector/e2e/cluster"
)

// optedIn are the labels of a namespace that takes part.
var optedIn = map[string]string{"azure.keyvault.injector/injection": "enabled"}

var namespaces atomic.Int32

// newNamespaceName is as long as the corpus' own: a message that is cut is cut at the same place.
func newNamespaceName() string {
	return strings.ReplaceAll(fmt.Sprintf("q%3s", strconv.FormatInt(int64(namespaces.Add(1)), 36)), " ", "0")
}

// namespace creates a namespace for this test alone.
func (s *system) namespace(t *testing.T) string {
	t.Helper()
	name := newNamespaceName()
	s.Namespace(t, name, nil)
	return name
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
    azure.keyvault.injector/service-account: ` + cluster.Account + `
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
  serviceAccountName: ` + cluster.Account + `
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
