package controller

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/await"
)

// fullPod is a pod as the API server tells it.
func fullPod(name string, status []provider.Class, classes ...string) *corev1.Pod {
	pod := mounting(name, status, classes...)
	pod.ResourceVersion = "7"
	pod.Labels = map[string]string{"app": "shop", annotation.LabelInjected: "true"}
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "shop"}}
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations["example.com/note"] = "long"
	pod.Spec.Containers = []corev1.Container{{Name: "app", Env: []corev1.EnvVar{{Name: "PASSWORD", Value: "hunter2"}}}}
	pod.Spec.Volumes = append(pod.Spec.Volumes,
		corev1.Volume{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}},
		corev1.Volume{Name: "disk", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "disk.csi.azure.com"}}},
	)
	for i := range pod.Spec.Volumes {
		if csi := pod.Spec.Volumes[i].CSI; csi != nil {
			csi.ReadOnly = new(true)
			csi.NodePublishSecretRef = &corev1.LocalObjectReference{Name: "creds"}
		}
	}
	return pod
}

func TestPodTransform(t *testing.T) {
	class := classOf("payments", "db")
	honest := []provider.Class{class}
	slim := func(pod *corev1.Pod) *corev1.Pod {
		pod.ResourceVersion = "7"
		return pod
	}
	asking := func(pod *corev1.Pod, interval string) *corev1.Pod {
		pod.Spec.NodeName = "node-1"
		pod.Spec.Volumes[0].CSI.VolumeAttributes[provider.AttributeInterval] = interval
		return pod
	}
	long := slim(mounting("a", nil, "mine"))
	long.Spec.NodeName = "node-1"
	tests := map[string]struct {
		pod  *corev1.Pod
		want *corev1.Pod
	}{
		"asks for an interval":              {asking(fullPod("a", nil, "mine"), "30s"), asking(slim(mounting("a", nil, "mine")), "30s")},
		"asks for a long text":              {asking(fullPod("a", nil, "mine"), strings.Repeat("s", 33)), long},
		"mounts a generated class":          {fullPod("a", honest, class.Name), slim(mounting("a", honest, class.Name))},
		"mounts a hand-written class":       {fullPod("a", honest, "mine"), slim(mounting("a", nil, "mine"))},
		"mounts both":                       {fullPod("a", honest, "mine", class.Name), slim(mounting("a", honest, "mine", class.Name))},
		"mounts none":                       {fullPod("a", honest), slim(mounting("a", nil))},
		"has finished":                      {inPhase(corev1.PodFailed, fullPod("a", honest, class.Name)), inPhase(corev1.PodFailed, slim(mounting("a", nil, class.Name)))},
		"mounts a generated class, silent":  {fullPod("a", nil, class.Name), slim(mounting("a", nil, class.Name))},
		"has been through the sieve before": {slim(mounting("a", honest, class.Name)), slim(mounting("a", honest, class.Name))},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			before := tc.pod.DeepCopy()
			got, err := PodTransform(tc.pod)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("pod (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.pod); diff != "" {
				t.Errorf("the given pod was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestPodTransformLeavesOthersAlone(t *testing.T) {
	ns := namespaceWith()
	if got, err := PodTransform(ns); err != nil || got != any(ns) {
		t.Errorf("PodTransform = %v, %v", got, err)
	}
}

// Shapes that no pod has any more are forgotten.
func TestShapesAreForgotten(t *testing.T) {
	known := func() int {
		shapes.Lock()
		defer shapes.Unlock()
		return len(shapes.known)
	}
	before := known()
	class := classOf("payments", "db")
	for i := range 50 {
		if _, err := PodTransform(fullPod("a", []provider.Class{{Name: fmt.Sprint(i)}}, class.Name)); err != nil {
			t.Fatal(err)
		}
	}
	await.Poll{Limit: 10 * time.Second, Every: time.Millisecond}.Require(t, "the shapes to be forgotten", func(context.Context) (bool, string) {
		runtime.GC()
		return known() <= before, fmt.Sprint(known(), " are known, before: ", before)
	})
}

// Replicas share one copy of their status, whenever the watch tells of them.
func TestStatusIsShared(t *testing.T) {
	class := classOf("payments", "db")
	texts := map[*byte]bool{}
	var kept []any
	for i := range 50 {
		pod, err := PodTransform(fullPod(fmt.Sprint(i), []provider.Class{class}, class.Name))
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, pod)
		texts[unsafe.StringData(pod.(*corev1.Pod).Annotations[annotation.Status])] = true
		// A copy that only a string holds would be forgotten in a collection.
		runtime.GC()
	}
	if len(texts) != 1 {
		t.Errorf("%d copies of one status", len(texts))
	}
	runtime.KeepAlive(kept)
}

func TestIndexClasses(t *testing.T) {
	class, other := classOf("payments", "db"), classOf("payments", "api")
	tests := map[string]struct {
		pod  *corev1.Pod
		want []string
	}{
		"running":      {fullPod("a", nil, class.Name, "mine", other.Name, class.Name), []string{class.Name, "mine", other.Name}},
		"not ready":    {inPhase(corev1.PodPending, fullPod("a", nil, class.Name)), []string{class.Name}},
		"lost":         {inPhase(corev1.PodUnknown, fullPod("a", nil, class.Name)), []string{class.Name}},
		"succeeded":    {inPhase(corev1.PodSucceeded, fullPod("a", nil, class.Name)), nil},
		"failed":       {inPhase(corev1.PodFailed, fullPod("a", nil, class.Name)), nil},
		"without ours": {fullPod("a", nil, "mine", "akv-mine"), []string{"mine", "akv-mine"}},
		"no class":     {fullPod("a", nil), nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, indexClasses(tc.pod)); diff != "" {
				t.Errorf("classes (-want +got):\n%s", diff)
			}
		})
	}
	if got := indexClasses(namespaceWith()); got != nil {
		t.Errorf("classes of a namespace: %v", got)
	}
}

// Says how much memory a cached pod takes: with -bench, as bytes/pod.
func BenchmarkPodTransform(b *testing.B) {
	class := classOf("payments", "db")
	for name, classes := range map[string][]string{"injected": {class.Name}, "other": nil} {
		b.Run(name, func(b *testing.B) {
			var before, after runtime.MemStats
			pods := make([]any, b.N)
			runtime.GC()
			runtime.ReadMemStats(&before)
			for i := range b.N {
				b.StopTimer()
				full := fullPod(fmt.Sprintf("shop-%s-%d", strings.Repeat("x", 16), i), []provider.Class{class}, classes...)
				b.StartTimer()
				pods[i], _ = PodTransform(full)
			}
			b.StopTimer()
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "bytes/pod")
			runtime.KeepAlive(pods)
		})
	}
}
