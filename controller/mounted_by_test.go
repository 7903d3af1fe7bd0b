package controller

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestMountedBy(t *testing.T) {
	build := func() *fake.ClientBuilder {
		return fake.NewClientBuilder().WithObjects(
			mounting("b", nil, "mine", "other"), mounting("a", nil, "mine"),
			inPhase(corev1.PodSucceeded, mounting("done", nil, "mine")), mounting("c", nil, "other"),
		)
	}
	namespace := mounting("a", nil).Namespace
	live := NewLivePods(build().Build())
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
			got, err := MountedBy(live)(t.Context(), c.namespace, c.class)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	fails := build().WithInterceptorFuncs(interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("no")
	}}).Build()
	if _, err := MountedBy(NewLivePods(fails))(t.Context(), namespace, "mine"); err == nil {
		t.Error("without a list there is an answer")
	}
}
