package admission_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"akv-injector/internal/corpus"
	"akv-injector/internal/manifest"
	"akv-injector/internal/preview"
)

// wantPreviewed holds what `kubectl akv preview --live` says of a case's pod against what
// the API server answered. Other admission plugins add to what is stored: what they make
// of the previewed pod, in a namespace that akv-injector is not asked about, is the same.
func (s *system) wantPreviewed(t *testing.T, c *corpus.Case, r request, a answer, inTwin func(*unstructured.Unstructured) answer) {
	t.Helper()
	text, err := r.pod.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	set := manifest.Source{Paths: []string{manifest.Stdin}, Stdin: bytes.NewReader(text)}.Read()
	if len(set.Problems) > 0 || len(set.Objects) != 1 {
		t.Fatalf("%d objects are read, with the problems %v", len(set.Objects), set.Problems)
	}
	client, err := dynamic.NewForConfig(s.cp.Config)
	if err != nil {
		t.Fatal(err)
	}
	cluster := &preview.Live{Files: set.Cluster(r.namespace, false), Client: client}
	items, err := preview.Of(t.Context(), set, cluster, c.Settings())
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 1 {
		t.Fatalf("%d pods are previewed, want one", len(items))
	}
	item := items[0]
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
