package refresh

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

func strayPod(phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "by-hand", UID: "u1"},
		Spec: corev1.PodSpec{NodeName: "n", Volumes: []corev1.Volume{{Name: "s", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
			Driver:           provider.DriverName,
			VolumeAttributes: map[string]string{provider.AttributeClass: "class", provider.AttributeInterval: "1m"},
		}}}}},
		Status: corev1.PodStatus{Phase: phase},
	}
}

func strayRecord(uid types.UID) *secretsstorev1.SecretProviderClassPodStatus {
	return &secretsstorev1.SecretProviderClassPodStatus{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "by-hand-shop-class", OwnerReferences: []metav1.OwnerReference{{Kind: "Pod", UID: uid}}},
		Status:     secretsstorev1.SecretProviderClassPodStatusStatus{Mounted: true, PodName: "by-hand", SecretProviderClassName: "class"},
	}
}

// A pod that the cache does not have is known by its record: once it runs, as long as there is one, in a namespace that is served.
func TestStrays(t *testing.T) {
	key := types.NamespacedName{Namespace: "shop", Name: "by-hand"}
	served := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}}}
	live := fake.NewClientBuilder().WithObjects(strayPod(corev1.PodPending)).WithStatusSubresource(&corev1.Pod{}).Build()
	var heard []types.NamespacedName
	r := newRefresher(fake.NewClientBuilder().Build(), live, nil, &told{}, Options{
		Mode: ModeDrive, Registry: prometheus.NewRegistry(), Heard: func(class types.NamespacedName) { heard = append(heard, class) },
	}, logr.Discard())
	step := func(what string, wantKnown bool, wantQueued, wantAgain bool) {
		t.Helper()
		if queued := r.strays.Len() > 0; queued != wantQueued {
			t.Errorf("%s: queued is %t, want %t", what, queued, wantQueued)
		}
		if again := r.readStray(t.Context(), key); again != wantAgain {
			t.Errorf("%s: again is %t, want %t", what, again, wantAgain)
		}
		for r.strays.Len() > 0 {
			k, _ := r.strays.Get()
			r.strays.Done(k)
		}
		known := false
		r.read(func(s *state, _ time.Time) { known = s.pods[key] != nil })
		if known != wantKnown {
			t.Errorf("%s: known is %t, want %t", what, known, wantKnown)
		}
	}
	set := func(phase corev1.PodPhase) {
		t.Helper()
		pod := strayPod(phase)
		if err := live.Status().Update(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
	}
	r.setRecord(strayRecord("u1"), nil, true)
	step("not served", false, false, false)
	r.setNamespace(served, nil, true)
	step("served, the pod does not run yet", false, true, true)
	set(corev1.PodRunning)
	step("it runs", true, false, false)
	r.setRecord(strayRecord("u1"), strayRecord("u1"), false)
	step("the record changes", true, false, false)
	r.setRecord(strayRecord("u2"), strayRecord("u1"), false)
	step("a record of another pod of this name", true, true, false)
	set(corev1.PodSucceeded)
	step("it has finished", false, false, false)
	set(corev1.PodRunning)
	step("it runs again", true, false, false)
	r.deleteRecord(strayRecord("u1"))
	step("the record goes", false, true, false)
	r.setRecord(strayRecord("u1"), nil, false)
	step("it comes back", true, true, false)
	if err := live.Delete(t.Context(), strayPod("")); err != nil {
		t.Fatal(err)
	}
	step("the pod is gone", false, false, false)
	if want := (types.NamespacedName{Namespace: "shop", Name: "class"}); len(heard) == 0 || slices.ContainsFunc(heard, func(c types.NamespacedName) bool { return c != want }) {
		t.Errorf("heard of %v, want %v", heard, want)
	}
}

// A pod that leaves the cache and is not being deleted has lost its label.
func TestLabelTakenOff(t *testing.T) {
	live := fake.NewClientBuilder().WithObjects(strayPod(corev1.PodRunning)).Build()
	r := newRefresher(fake.NewClientBuilder().Build(), live, nil, &told{}, Options{Mode: ModeDrive, Registry: prometheus.NewRegistry()}, logr.Discard())
	r.setNamespace(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}}}, nil, true)
	r.setPod(strayPod(corev1.PodRunning), nil, true)
	r.setRecord(strayRecord("u1"), nil, true)
	ending := strayPod(corev1.PodRunning)
	ending.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	r.deletePod(ending)
	if n := r.strays.Len(); n != 0 {
		t.Errorf("%d pods are read that are being deleted", n)
	}
	r.setPod(strayPod(corev1.PodRunning), nil, true)
	r.deletePod(strayPod(corev1.PodRunning))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { r.readStrays(ctx); close(done) }()
	shortly.Require(t, "the pod to be known again", func(context.Context) (bool, string) {
		known := false
		r.read(func(s *state, _ time.Time) { known = s.pods[client.ObjectKeyFromObject(strayPod(""))] != nil })
		return known, ""
	})
	r.strays.ShutDown()
	cancel()
	<-done
}
