package controller

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// longClass has more objects than the cache keeps of a status.
func longClass() provider.Class {
	class := classOf("payments-kv", "DB-Password")
	var objects strings.Builder
	objects.WriteString("array:\n")
	for i := range 400 {
		fmt.Fprintf(&objects, "- |\n  objectName: object-number-%d\n  objectType: secret\n", i)
	}
	class.Parameters["objects"] = objects.String()
	return hashed(class.Parameters)
}

// A status that is longer than the cache keeps is read when its class has to be restored.
func TestRestoredFromALongStatus(t *testing.T) {
	class := longClass()
	pod := mounting("a", []provider.Class{class}, class.Name)
	kept, err := PodTransform(pod)
	if err != nil {
		t.Fatal(err)
	}
	cachedPod := kept.(*corev1.Pod)
	if _, has := cachedPod.Annotations[annotation.Status]; has || cachedPod.Annotations[annotation.CachedContent] != annotation.ContentLeftOut {
		t.Fatalf("a status of %d bytes is kept: %v", len(pod.Annotations[annotation.Status]), cachedPod.Annotations)
	}
	live := cluster(t, interceptor.Funcs{}, namespaceWith(), pod)
	r, _ := testRestorer(t, live)
	r.cached = cluster(t, interceptor.Funcs{}, namespaceWith(), cachedPod)
	if _, err := r.Reconcile(t.Context(), requestFor(class)); err != nil {
		t.Fatal(err)
	}
	if got := storedClass(t.Context(), t, live, class.Name); got == nil || !intact(got) {
		t.Errorf("%v, want the class restored", got)
	}
}
