package main

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	dynamicfake "k8s.io/client-go/dynamic/fake"
)

func TestSkew(t *testing.T) {
	for _, c := range []struct{ client, server, want string }{
		{"v1.2.3", "v1.2.9", ""}, {"v1.2.3", "v1.3.0", "older"}, {"v2.0.0", "v1.9.0", "newer"}, {"dev", "v1.0.0", ""}, {"v1.0.0", "main", ""},
	} {
		if got := skewOf(c.client, c.server); got == "" != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s and %s: %q, want %q in it", c.client, c.server, got, c.want)
		}
	}
}

func TestDeployed(t *testing.T) {
	deployment := func(name, image string, labels map[string]string) *appsv1.Deployment {
		d := &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Namespace: "akv-injector-system", Name: name, Labels: labels}}
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "server", Image: image}}
		return d
	}
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	ours := map[string]string{"app.kubernetes.io/name": "akv-injector"}
	client := dynamicfake.NewSimpleDynamicClient(scheme, deployment("akv-injector", "registry.example/akv-injector:v0.3.1", ours), deployment("web", "web:v9", nil))
	found, err := deployed(t.Context(), client)
	if err != nil || len(found) != 1 || found[0] != (server{"akv-injector-system", "akv-injector", "v0.3.1"}) {
		t.Errorf("%+v, %v, want the Deployment of akv-injector with v0.3.1", found, err)
	}
}
