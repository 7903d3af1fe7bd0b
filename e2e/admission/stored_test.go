package admission_test

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// tokenVolume is how the API server's ServiceAccount plugin names the volume that it
// adds, with a random suffix.
const tokenVolume = "kube-api-access-"

// stored gives what a stored pod is, without what differs between any two. The token
// volume goes last, where it is if the plugin adds it to a pod that has our volumes.
func stored(pod *unstructured.Unstructured) map[string]any {
	p := pod.DeepCopy()
	for _, field := range []string{"uid", "creationTimestamp", "resourceVersion", "managedFields", "namespace"} {
		unstructured.RemoveNestedField(p.Object, "metadata", field)
	}
	if p.GetGenerateName() != "" {
		unstructured.RemoveNestedField(p.Object, "metadata", "name")
	}
	rename(p.Object, "spec", "volumes")
	for _, list := range []string{"initContainers", "containers"} {
		containers, _, _ := unstructured.NestedFieldNoCopy(p.Object, "spec", list)
		all, _ := containers.([]any)
		for _, c := range all {
			rename(c.(map[string]any), "volumeMounts")
		}
	}
	return p.Object
}

// rename gives the token volume, or the mount of it, the same name everywhere, and
// moves it to the end of its list.
func rename(object map[string]any, fields ...string) {
	value, _, _ := unstructured.NestedFieldNoCopy(object, fields...)
	list, _ := value.([]any)
	isToken := func(element any) bool {
		name, _ := element.(map[string]any)["name"].(string)
		return strings.HasPrefix(name, tokenVolume)
	}
	for _, element := range list {
		if isToken(element) {
			element.(map[string]any)["name"] = tokenVolume
		}
	}
	slices.SortStableFunc(list, func(a, b any) int {
		switch {
		case isToken(a) == isToken(b):
			return 0
		case isToken(b):
			return -1
		default:
			return 1
		}
	})
}

// resubmitted is the pod as `kubectl get -o yaml` shows it, without what the server
// added, under another name.
func resubmitted(pod *unstructured.Unstructured, name string) *unstructured.Unstructured {
	p := pod.DeepCopy()
	for _, field := range []string{"uid", "creationTimestamp", "resourceVersion", "managedFields", "generation", "namespace", "generateName"} {
		unstructured.RemoveNestedField(p.Object, "metadata", field)
	}
	delete(p.Object, "status")
	p.SetName(name)
	return p
}
