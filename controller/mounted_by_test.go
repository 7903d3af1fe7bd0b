package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func TestMountedBy(t *testing.T) {
	build := func() *fake.ClientBuilder {
		return fake.NewClientBuilder().WithObjects(
			mounting("b", nil, "mine", "other"), mounting("a", nil, "mine"),
			inPhase(corev1.PodSucceeded, mounting("done", nil, "mine")), mounting("c", nil, "other"),
		)
	}
	namespace := mounting("a", nil).Namespace
	cached := build().WithIndex(&corev1.Pod{}, IndexClasses, indexClasses).Build()
	cases := map[string]struct {
		namespace, class string
		want             []string
	}{
		"two":               {namespace, "mine", []string{"a", "b"}},
		"nobody":            {namespace, "unused", []string{}},
		"another namespace": {"elsewhere", "mine", []string{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := MountedBy(cached)(t.Context(), c.namespace, c.class)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := MountedBy(build().Build())(t.Context(), namespace, "mine"); err == nil {
		t.Error("without the index there is an answer")
	}
}
