package admission_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"akv-injector/inject/workload"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/cli/preview"
	"akv-injector/internal/testing/corpus"
)

// wantPreviewed holds what `kubectl akv preview --live` says of a case's pod against what
// the API server answered. Other admission plugins add to what is stored: what they make
// of the previewed pod, in a namespace that akv-injector is not asked about, is the same.
func (s *system) wantPreviewed(t *testing.T, c *corpus.Case, r request, a answer, inTwin func(*unstructured.Unstructured) answer) {
	t.Helper()
	item := s.previewOf(t, c, r.namespace, r.pod)
	if a.err != nil {
		if item.Outcome != preview.Refused {
			t.Errorf("the preview's outcome is %d, want a refusal as the API server's: %v", item.Outcome, a.err)
		}
		return
	}
	if item.Outcome != preview.Injected && item.Outcome != preview.Unchanged {
		t.Fatalf("the preview's outcome is %d (%s), and the API server stores the pod; found: %+v", item.Outcome, item.Why, item.Findings)
	}
	after := &unstructured.Unstructured{}
	if err := after.UnmarshalJSON(item.After); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stored(inTwin(after).pod), stored(a.pod)); diff != "" {
		t.Errorf("the preview is not what is stored (-preview +stored):\n%s", diff)
	}
	var classes []string
	for _, class := range item.Classes {
		classes = append(classes, class.Name)
	}
	slices.Sort(classes)
	var want []string
	for _, class := range documents(t, c.Want[corpus.WantClassFile]) {
		want = append(want, (&unstructured.Unstructured{Object: class}).GetName())
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, classes); diff != "" {
		t.Errorf("the preview's classes (-want +got):\n%s", diff)
	}
}

// previewOf is what `kubectl akv preview --live` says of one object.
func (s *system) previewOf(t *testing.T, c *corpus.Case, namespace string, object *unstructured.Unstructured) preview.Item {
	t.Helper()
	text, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	set := manifest.Source{Paths: []string{manifest.Stdin}, Stdin: bytes.NewReader(text)}.Read()
	if len(set.Problems) > 0 || len(set.Objects) != 1 {
		t.Fatalf("%d objects are read, with the problems %v", len(set.Objects), set.Problems)
	}
	client, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	cluster := &preview.Live{Files: set.Cluster(namespace, false), Client: client}
	items, err := preview.Of(t.Context(), set, cluster, c.Settings())
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 1 {
		t.Fatalf("%d objects are previewed, want one", len(items))
	}
	return items[0]
}

// wantTemplatePreviewed holds what is previewed of a workload against what the API server
// answers when one of the cluster's controllers makes a pod from its template.
func (s *system) wantTemplatePreviewed(t *testing.T, c *corpus.Case, namespace, twin string, owner *unstructured.Unstructured, refused bool) {
	t.Helper()
	item := s.previewOf(t, c, namespace, owner)
	if refused {
		if item.Outcome != preview.Refused {
			t.Errorf("the preview's outcome is %d, want a refusal as the API server's", item.Outcome)
		}
		return
	}
	podOf := func(object []byte, in string) answer {
		t.Helper()
		r := request{as: builtinController, namespace: in, pod: fromTemplate(t, object, item.Target, owner), dryRun: true}
		return s.admit(t.Context(), r)
	}
	made := podOf(item.Object.JSON, namespace)
	switch item.Outcome {
	case preview.Refused:
		// By us, or by the API server itself, which knows no ServiceAccount of that name.
		if code := httpCode(made.err); code != http.StatusUnprocessableEntity && code != http.StatusForbidden {
			t.Errorf("the preview says that the pods are refused (%+v), and the API server answers one with %v", item.Findings, made.err)
		}
		return
	case preview.Injected, preview.Unchanged:
	default:
		t.Fatalf("the preview's outcome is %d (%s); the API server answers %v to a pod", item.Outcome, item.Why, made.err)
	}
	if made.err != nil {
		t.Fatalf("the preview's outcome is %d, and the API server refuses a pod: %v", item.Outcome, made.err)
	}
	want := podOf(item.After, twin)
	if want.err != nil {
		t.Fatalf("a fault of the case: without akv-injector the API server itself refuses a pod of it: %v", want.err)
	}
	if diff := cmp.Diff(stored(want.pod), stored(made.pod)); diff != "" {
		t.Errorf("the preview of the template is not what a pod of it becomes (-preview +stored):\n%s", diff)
	}
}

// fromTemplate is the pod that a controller makes from the template of a workload's JSON.
func fromTemplate(t *testing.T, object []byte, target *workload.Target, owner *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	text, err := preview.At(object, target.Path)
	if err != nil {
		t.Fatal(err)
	}
	pod := &unstructured.Unstructured{}
	if err := json.Unmarshal(text, &pod.Object); err != nil {
		t.Fatal(err)
	}
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetGenerateName(owner.GetName() + "-")
	pod.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(),
		UID: "00000000-0000-0000-0000-000000000001", Controller: new(true),
	}})
	return pod
}
