package mounted

import (
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/controller/podstatus"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

// The cache does not have a pod whose label was taken off. Its gate is opened when the driver has recorded its mount.
func TestGateOfAPodWithoutTheLabel(t *testing.T) {
	const class = "akv-payments-kv-abcdefghijklmnopqrstuvwxyz"
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, secretsstorev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		class string
		gate  bool
		want  bool // that the gate is open
	}{
		"injected":         {class, true, true},
		"without the gate": {class, false, false},
		"written by hand":  {"by-hand", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u"},
				Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: "s", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
					Driver: provider.DriverName, VolumeAttributes: map[string]string{provider.AttributeClass: c.class},
				}}}}},
			}
			if c.gate {
				pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: annotation.ConditionMounted}}
			}
			record := &secretsstorev1.SecretProviderClassPodStatus{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: "shop", Name: "web-shop-" + c.class, CreationTimestamp: metav1.NewTime(time.Now().Add(-time.Hour)),
					OwnerReferences: []metav1.OwnerReference{{Kind: "Pod", UID: "u"}},
				},
				Status: secretsstorev1.SecretProviderClassPodStatusStatus{Mounted: true, PodName: "web", SecretProviderClassName: c.class},
			}
			live := fake.NewClientBuilder().WithScheme(scheme).WithObjects(pod).WithStatusSubresource(&corev1.Pod{}).Build()
			cached := fake.NewClientBuilder().WithScheme(scheme).WithObjects(record).Build()
			g := newGater(cached, live, podstatus.Writer{Client: live.Status()}, nil, logr.Discard())
			g.works.Store(true)
			elected := make(chan struct{})
			close(elected)
			g.elected = elected
			g.heardRecord(record)
			key := types.NamespacedName{Namespace: "shop", Name: "web"}
			if again, err := g.look(t.Context(), key); err != nil || again != 0 {
				t.Fatalf("again after %v: %v", again, err)
			}
			after := &corev1.Pod{}
			if err := live.Get(t.Context(), key, after); err != nil {
				t.Fatal(err)
			}
			if open := c.gate && !closed(after); open != c.want {
				t.Errorf("the gate is open: %t, want %t; conditions: %v", open, c.want, after.Status.Conditions)
			}
		})
	}
}
