package admission_test

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

var (
	podsResource    = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	classesResource = schema.GroupVersionResource{Group: "secrets-store.csi.x-k8s.io", Version: "v1", Resource: "secretproviderclasses"}
)

// request is the creation of a pod.
type request struct {
	as        rest.ImpersonationConfig // empty is the administrator
	namespace string
	pod       *unstructured.Unstructured
	dryRun    bool
	// unknown lets the pod have fields that the API server does not know.
	unknown bool
}

// answer is what comes of it. Objects are as the API server wrote them, so that no
// field is lost that the types here do not know.
type answer struct {
	pod      *unstructured.Unstructured // as stored
	warnings []string
	err      error
}

// admit creates the pod.
func (s *system) admit(ctx context.Context, r request) answer {
	client, err := s.dynamic(r.as)
	if err != nil {
		return answer{err: err}
	}
	var a answer
	options := metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
	if r.unknown {
		options.FieldValidation = metav1.FieldValidationIgnore
	}
	if r.dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	ctx = context.WithValue(ctx, warningsKey{}, &a.warnings)
	a.pod, a.err = client.Resource(podsResource).Namespace(r.namespace).Create(ctx, r.pod.DeepCopy(), options)
	return a
}

// mustAdmit creates a pod that has to be taken.
func (s *system) mustAdmit(t *testing.T, r request) answer {
	t.Helper()
	a := s.admit(t.Context(), r)
	if a.err != nil {
		t.Fatalf("pod %s in %s (dry run: %t): %v", r.pod.GetName(), r.namespace, r.dryRun, a.err)
	}
	return a
}

func (s *system) dynamic(as rest.ImpersonationConfig) (dynamic.Interface, error) {
	return dynamic.NewForConfig(s.config(as))
}

// classes are the SecretProviderClasses in a namespace.
func (s *system) classes(t *testing.T, namespace string) []unstructured.Unstructured {
	t.Helper()
	client, err := s.dynamic(rest.ImpersonationConfig{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.Resource(classesResource).Namespace(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// pods are the names of the pods in a namespace.
func (s *system) pods(t *testing.T, namespace string) []string {
	t.Helper()
	list, err := s.Client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range list.Items {
		names = append(names, p.Name)
	}
	return names
}
