package inject_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/internal/testing/fixture"
)

// Outdated content is found in every stored pod: one that waives the rules, one that asks for
// injection, and one of a controller, for which only the template is refused.
func TestOutdated(t *testing.T) {
	want := []string{
		"AKV001 spec.containers[0].volumeMounts[0].subPath",
		"AKV006 spec.containers[0].env[0].valueFrom.secretKeyRef",
	}
	for name, change := range map[string]func(*corev1.Pod){
		"unchanged": func(*corev1.Pod) {},
		"waived":    func(p *corev1.Pod) { p.Annotations = map[string]string{annotation.Allow: "AKV001, AKV006"} },
		"asking": func(p *corev1.Pod) {
			p.Annotations = map[string]string{annotation.Vault: "shop-kv", annotation.Objects: "@@@"}
		},
		"of a controller": func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", Controller: new(true)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod, classes := fixture.MountedPod(t)
			change(pod)
			before := pod.DeepCopy()
			var got []string
			for _, f := range inject.Outdated(pod, classes) {
				got = append(got, f.Rule+" "+f.Place.String())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, pod); diff != "" {
				t.Error("the pod was changed:", diff)
			}
		})
	}
}
