package refresh

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/provider"
)

func stored(objects ...secretsstorev1.SecretProviderClassObject) *secretsstorev1.SecretProviderClassPodStatus {
	r := &secretsstorev1.SecretProviderClassPodStatus{}
	r.Namespace, r.Name, r.ResourceVersion = "shop", "web-shop-class", "7"
	r.CreationTimestamp = metav1.NewTime(dawn)
	r.ManagedFields = []metav1.ManagedFieldsEntry{{Time: &metav1.Time{Time: dawn.Add(time.Hour)}}, {Time: &metav1.Time{Time: dawn.Add(time.Minute)}}, {}}
	r.OwnerReferences = []metav1.OwnerReference{{Kind: "Node", UID: "n"}, {Kind: "Pod", UID: "u"}}
	r.Labels = map[string]string{"internal.secrets-store.csi.k8s.io/node-name": strings.Repeat("n", 1000)}
	r.Status = secretsstorev1.SecretProviderClassPodStatusStatus{
		PodName: "web", SecretProviderClassName: "class", Mounted: true, TargetPath: strings.Repeat("p", 1000), Objects: objects,
	}
	return r
}

// Of a record only what the provider writes counts, and a cached one says the same.
func TestReadRecord(t *testing.T) {
	objects := []secretsstorev1.SecretProviderClassObject{
		{ID: "secret/DB-Password", Version: "0123456789abcdef0123456789abcdef"},
		{ID: "cert/tls/0", Version: "a1"},
		{ID: "secret/new\nline", Version: "a1"},
		{ID: "secret/version", Version: "a\x1b[31m"},
		{ID: "secret/long", Version: strings.Repeat("a", 65)},
		{ID: "secret/" + strings.Repeat("a", 128), Version: "a1"},
		{ID: "password/x", Version: "a1"},
		{ID: "secret/empty"},
	}
	want := map[string]string{"secret/DB-Password": "0123456789abcdef0123456789abcdef", "cert/tls/0": "a1"}
	full := stored(objects...)
	read, ok := ReadRecord(full)
	if !ok || read.UID != "u" || !read.Changed.Equal(dawn.Add(time.Hour)) || read.Class != "class" {
		t.Errorf("read %+v (%t)", read, ok)
	}
	if diff := cmp.Diff(want, read.Versions); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	kept := RecordTransform(full)
	again, ok := ReadRecord(kept)
	if diff := cmp.Diff(read, again); diff != "" || !ok {
		t.Errorf("a cached record says something else (-whole +cached):\n%s", diff)
	}
	if len(kept.Labels) != 0 || kept.Status.TargetPath != "" || len(kept.ManagedFields) != 1 {
		t.Errorf("the cache keeps %+v", kept)
	}
	many := make([]secretsstorev1.SecretProviderClassObject, 100_000)
	for i := range many {
		many[i] = objects[0]
	}
	if kept := RecordTransform(stored(many...)); len(kept.Status.Objects) != 1 {
		t.Errorf("the cache keeps %d equal objects", len(kept.Status.Objects))
	}
	unmounted := stored(objects...)
	unmounted.Status.Mounted = false
	if _, ok := ReadRecord(unmounted); ok {
		t.Error("a record without a mount counts")
	}
}

func TestReadPod(t *testing.T) {
	volume := func(class, interval string) corev1.Volume {
		return corev1.Volume{Name: class, VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
			Driver:           provider.DriverName,
			VolumeAttributes: map[string]string{provider.AttributeClass: class, provider.AttributeInterval: interval},
		}}}
	}
	running := func(volumes ...corev1.Volume) *corev1.Pod {
		p := &corev1.Pod{}
		p.Status.Phase, p.Spec.Volumes = corev1.PodRunning, volumes
		return p
	}
	for name, tc := range map[string]struct {
		pod  *corev1.Pod
		want map[string]time.Duration
	}{
		"asks":               {running(volume("a", "30s"), volume("b", "2m")), map[string]time.Duration{"a": 30 * time.Second, "b": 2 * time.Minute}},
		"asks for a ns":      {running(volume("a", "1ns")), map[string]time.Duration{"a": shortest}},
		"one class twice":    {running(volume("a", "2m"), volume("a", "30s")), map[string]time.Duration{"a": 30 * time.Second}},
		"asks for no number": {running(volume("a", "soon"), volume("b", "-1s"), volume("c", "")), nil},
		"has not started":    {&corev1.Pod{Spec: running(volume("a", "30s")).Spec, Status: corev1.PodStatus{Phase: corev1.PodPending}}, nil},
		"is being deleted": {func() *corev1.Pod {
			p := running(volume("a", "30s"))
			p.DeletionTimestamp = new(metav1.NewTime(dawn))
			return p
		}(), nil},
		"has no volumes": {running(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := ReadPod(tc.pod)
			if ok != (tc.want != nil) {
				t.Fatalf("to be nudged: %t", ok)
			}
			if diff := cmp.Diff(tc.want, got.Asked); ok && diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}
