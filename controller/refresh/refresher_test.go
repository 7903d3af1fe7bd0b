package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
	"akv-injector/internal/testing/await"
	"akv-injector/keyvault"
)

// podStatuses takes patches of pods/status as an API server does with the policy for them, or
// without it.
type podStatuses struct {
	client.SubResourceWriter // what is not expected
	policy                   bool
	refusal                  error

	mu      sync.Mutex
	nudged  []string
	probes  int
	foreign []string
}

func (w *podStatuses) Patch(_ context.Context, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	var o client.SubResourcePatchOptions
	o.ApplyOptions(opts)
	raw, err := patch.Data(obj)
	if err != nil {
		return err
	}
	var sent struct {
		Metadata struct {
			UID                 string
			Labels, Annotations map[string]string
		}
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(o.DryRun) > 0 {
		w.probes++
		if w.policy {
			return apierrors.NewForbidden(corev1.Resource("pods"), obj.GetName(), errors.New("ValidatingAdmissionPolicy 'akv-injector-own-pods' with binding 'akv-injector-own-pods' denied request: "+"akv-injector changes nothing of a pod but the annotation."))
		}
		return nil
	}
	if len(sent.Metadata.Labels) > 0 || len(sent.Metadata.Annotations) != 1 || sent.Metadata.Annotations[annotation.RefreshedAt] == "" || sent.Metadata.UID == "" {
		w.foreign = append(w.foreign, string(raw))
	}
	if w.refusal != nil {
		return w.refusal
	}
	w.nudged = append(w.nudged, obj.GetName())
	return nil
}

func (w *podStatuses) seen() (nudged []string, probes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.nudged...), w.probes
}

type told struct {
	mu    sync.Mutex
	lines []string
}

func (r *told) Eventf(_, _ runtime.Object, _, reason, _, note string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, reason+": "+fmt.Sprintf(note, args...))
}

func (r *told) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// oneVersion is a vault whose objects all have it.
type oneVersion struct{ id string }

func (v oneVersion) Fresh(context.Context, keyvault.Ref, time.Duration) (*keyvault.State, error) {
	return &keyvault.State{Versions: []keyvault.Version{{ID: v.id, Enabled: true, Created: time.Now().Truncate(time.Second)}}}, nil
}

type bench struct {
	*Refresher
	writer *podStatuses
	events *told
	log    *told
}

// work starts a Refresher for one stale pod of a fenced namespace, until the test ends.
func work(t *testing.T, mode string, writer *podStatuses) *bench {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, secretsstorev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	class := &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "class"},
		Spec: secretsstorev1.SecretProviderClassSpec{Provider: "azure", Parameters: map[string]string{
			"keyvaultName": "kv", "objects": "array:\n- |\n  objectName: password\n  objectType: secret\n",
		}},
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(class, &storagev1.CSIDriver{
		ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName}, Spec: storagev1.CSIDriverSpec{RequiresRepublish: new(true)},
	}).Build()
	b := &bench{writer: writer, events: &told{}, log: &told{}}
	b.Refresher = newRefresher(c, c, writer, b.events, Options{
		Mode: mode, Driver: func() *provider.Driver { return &provider.Driver{Version: "1.6.0", Rotation: true} },
		Vaults: oneVersion{"v2"}, Registry: prometheus.NewRegistry(),
	}, funcr.New(func(_, args string) {
		b.log.mu.Lock()
		defer b.log.mu.Unlock()
		b.log.lines = append(b.log.lines, args)
	}, funcr.Options{Verbosity: 1}))
	b.watch = func(context.Context, *Refresher) error {
		b.setNamespace(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: "shop", Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}, Annotations: map[string]string{annotation.AllowedVaults: "kv"},
		}}, nil, true)
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u"}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
		pod.Spec.Volumes = []corev1.Volume{{Name: "secrets", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{
			Driver: provider.DriverName, VolumeAttributes: map[string]string{provider.AttributeClass: "class", provider.AttributeInterval: "10s"},
		}}}}
		b.setPod(pod, nil, true)
		b.setRecord(b.record("v1"), nil, true)
		return nil
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(writer.foreign) > 0 {
			t.Errorf("patches that change something else: %q", writer.foreign)
		}
	})
	return b
}

func (*bench) record(version string) *secretsstorev1.SecretProviderClassPodStatus {
	r := &secretsstorev1.SecretProviderClassPodStatus{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "web-shop-class", ResourceVersion: version, CreationTimestamp: metav1.NewTime(time.Now().Add(-time.Hour)),
		OwnerReferences: []metav1.OwnerReference{{Kind: "Pod", UID: types.UID("u")}},
	}}
	r.Status = secretsstorev1.SecretProviderClassPodStatusStatus{
		PodName: "web", SecretProviderClassName: "class", Mounted: true, Objects: []secretsstorev1.SecretProviderClassObject{{ID: id, Version: version}},
	}
	return r
}

var shortly = await.Poll{Limit: time.Minute}

// A stale pod is nudged after the policy has been shown to work, and what arrives is told.
func TestRefresher(t *testing.T) {
	b := work(t, ModeDrive, &podStatuses{policy: true})
	shortly.Require(t, "a nudge", func(context.Context) (bool, string) {
		nudged, probes := b.writer.seen()
		return len(nudged) == 1 && probes == 1, fmt.Sprint(nudged, probes)
	})
	b.setRecord(b.record("v2"), b.record("v1"), false)
	shortly.Require(t, "the event", func(context.Context) (bool, string) {
		said := b.events.String()
		return strings.Contains(said, eventArrived+": The files of secret/password have version v2"), said
	})
	if n := b.metricsPods(); n != (Pods{Current: 1}) {
		t.Errorf("pods are %+v", n)
	}
}

func (b *bench) metricsPods() Pods {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Count()
}

// Without the policy, without the right, or in the mode that observes, no pod is changed.
func TestOnlyObserves(t *testing.T) {
	for name, tc := range map[string]struct {
		writer *podStatuses
		said   string
	}{
		"no policy": {&podStatuses{}, "no admission policy keeps akv-injector"},
		"no right":  {&podStatuses{policy: true, refusal: apierrors.NewForbidden(corev1.Resource("pods/status"), "web", errors.New("no"))}, "a patch of pods/status was refused"},
	} {
		t.Run(name, func(t *testing.T) {
			b := work(t, ModeDrive, tc.writer)
			shortly.Require(t, "the log to say so", func(context.Context) (bool, string) {
				said := b.log.String()
				return strings.Contains(said, "rotation is only observed") && strings.Contains(said, tc.said), said
			})
			if nudged, _ := b.writer.seen(); len(nudged) != 0 {
				t.Errorf("nudged %v", nudged)
			}
		})
	}
	t.Run("observe", func(t *testing.T) {
		b := work(t, ModeObserve, &podStatuses{policy: true})
		shortly.Require(t, "the stale pod to be counted", func(context.Context) (bool, string) {
			n := b.metricsPods()
			return n == Pods{Stale: 1}, fmt.Sprintf("%+v", n)
		})
		b.mu.Lock()
		w := b.state.Next(time.Now().Add(time.Hour))
		b.mu.Unlock()
		if len(w.Nudges) != 0 {
			t.Errorf("it wants %v", w.Nudges)
		}
	})
}

// What is seen to change is dated by our clock, and what was there before by the API server's, which
// may differ by minutes: neither opens a gate for ever, nor keeps it shut.
func TestLastChange(t *testing.T) {
	b := &bench{}
	now := time.Now()
	dated := func(version string, at time.Time) (Record, *secretsstorev1.SecretProviderClassPodStatus) {
		r := b.record(version)
		r.CreationTimestamp = metav1.NewTime(at)
		read, ok := ReadRecord(r)
		if !ok {
			t.Fatal("the record is not read")
		}
		return read, r
	}
	const skew = 5 * time.Minute
	behind, _ := dated("v1", now.Add(-time.Hour))
	ahead, _ := dated("v1", now.Add(skew))
	_, before := dated("v1", now.Add(-time.Hour))
	rotated, _ := dated("v2", now.Add(-skew))
	r := &Refresher{}
	for name, c := range map[string]struct {
		record *Record
		before *secretsstorev1.SecretProviderClassPodStatus
		listed bool
		want   time.Time
	}{
		"there before":                   {&behind, nil, true, behind.Changed},
		"there before, in our future":    {&ahead, nil, true, now},
		"new":                            {&ahead, nil, false, now},
		"changed, in our past":           {&rotated, before, false, now},
		"written again with what it had": {&ahead, before, false, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := r.lastChange(c.record, c.before, c.listed, now); !got.Equal(c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
