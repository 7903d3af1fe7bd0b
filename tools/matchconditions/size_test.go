package matchconditions

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// Objects of tens of thousands of keys cost the API server little, and have an answer: a pod
// that asks is called for however many other annotations it has.
func TestConditionsOfLargeObjects(t *testing.T) {
	keys := func(n int, first ...string) map[string]string {
		m := map[string]string{}
		for _, k := range first {
			m[k] = "a"
		}
		for i := len(first); i < n; i++ {
			m[fmt.Sprintf("example.com/key-%d", i)] = ""
		}
		return m
	}
	volumes := make([]corev1.Volume, 16_000)
	const asks = "azure.keyvault.injector/objects"
	cases := map[string]struct {
		pod  corev1.Pod
		want []string
	}{
		"as many annotations as are looked at": {corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: keys(1000)}}, nil},
		"one of them asks":                     {corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: keys(1000, asks)}}, []string{mutating, asking}},
		"40,000 annotations":                   {corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: keys(40_000)}}, []string{mutating, asking}},
		"40,000 labels":                        {corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: keys(40_000)}}, []string{mutating, asking}},
		"40,000 annotations, and it asks":      {corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: keys(40_000, asks)}}, []string{mutating, asking}},
		"16,000 volumes":                       {corev1.Pod{Spec: corev1.PodSpec{Volumes: volumes}}, []string{handwritten}},
	}
	compiler := cel.NewConditionCompiler(environment.MustBaseEnvSet(oldest))
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for form, object := range map[string]runtime.Object{"typed": &tc.pod, "map": asMap(t, &tc.pod)} {
				began := time.Now()
				got := called(t, compiler, create(object, ""))
				t.Logf("%s: %v", form, time.Since(began))
				if !slices.Equal(got, tc.want) {
					t.Errorf("%s: called are %q, want %q", form, got, tc.want)
				}
			}
		})
	}
}
