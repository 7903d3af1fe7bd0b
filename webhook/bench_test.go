package webhook

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"akv-injector/inject/annotation"
)

// podOf has n containers of the kind that charts render.
func podOf(n int) *corev1.Pod {
	pod := asking()
	pod.Spec.Containers = nil
	for i := range n {
		c := corev1.Container{
			Name: fmt.Sprintf("app-%d", i), Image: "registry.example.com/shop/app@sha256:" + strings.Repeat("a", 64),
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi"),
			}},
			VolumeMounts: []corev1.VolumeMount{
				{Name: "kube-api-access-x", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true},
				{Name: "tmp", MountPath: "/tmp"},
			},
		}
		for e := range 15 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", e), Value: strings.Repeat("v", 40)})
		}
		pod.Spec.Containers = append(pod.Spec.Containers, c)
	}
	pod.Spec.Volumes = []corev1.Volume{{Name: "tmp"}, {Name: "kube-api-access-x"}}
	return pod
}

func BenchmarkHandler(b *testing.B) {
	pods := map[string]*corev1.Pod{
		"small":   asking(),
		"typical": podOf(3),
		"large":   withAnnotation(podOf(20), annotation.Objects+".shared-kv", "key/signing"),
	}
	for _, name := range []string{"small", "typical", "large"} {
		cl := newCluster(inPlace()...)
		a := cl.admission()
		a.log = logr.Discard()
		object := raw(b, pods[name])
		mutate := marshal(b, reviewOf(object))
		validate := marshal(b, reviewOf(applied(b, object, answerOf(b, a.Mutate(), reviewOf(object)))))
		for _, c := range []struct {
			path    string
			handler http.Handler
			body    []byte
		}{{"mutate", a.Mutate(), mutate}, {"validate", a.Validate(), validate}} {
			b.Run(name+"/"+c.path, func(b *testing.B) {
				b.SetBytes(int64(len(c.body)))
				b.ReportAllocs()
				for b.Loop() {
					cl.ensured = cl.ensured[:0]
					r := httptest.NewRequest(http.MethodPost, "/?timeout=5s", bytes.NewReader(c.body))
					r.Header.Set("Content-Type", "application/json")
					w := httptest.NewRecorder()
					c.handler.ServeHTTP(w, r)
					if w.Code != http.StatusOK {
						b.Fatal(w.Body)
					}
				}
			})
		}
	}
}

// BenchmarkWorkload validates an update of a Deployment that asks: its template is as
// large as a typical pod's, and both sides are decided on where something is wrong.
func BenchmarkWorkload(b *testing.B) {
	deployment := workloads()[0]
	bumped := podOf(3)
	bumped.Spec.Containers[0].Image = "app:2"
	wrong := func(pod *corev1.Pod) *corev1.Pod {
		return withAnnotation(pod, annotation.RotationPollInterval, "1s")
	}
	cases := map[string]struct{ now, before *corev1.Pod }{
		"right": {bumped, podOf(3)},
		"wrong": {wrong(bumped.DeepCopy()), wrong(podOf(3))},
	}
	for _, name := range []string{"right", "wrong"} {
		c := cases[name]
		a := newCluster(inPlace()...).admission()
		a.log = logr.Discard()
		handler := a.ValidateWorkload()
		body := marshal(b, changeOf(b, deployment, workloadOf(b, deployment, c.now), workloadOf(b, deployment, c.before)))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if w := post(handler, ValidateWorkloadPath, body); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
