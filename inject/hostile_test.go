package inject_test

import (
	"context"
	"encoding/json"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/inject/finding"
	"akv-injector/inject/provider"
	"akv-injector/inject/workload"
	"akv-injector/internal/testing/fixture"
)

// shape is an object that a user may write to make akv-injector work for long.
type shape struct {
	pod *corev1.Pod
	// annotations of the namespace.
	namespace map[string]string
	classes   []*secretsstorev1.SecretProviderClass
	// owner is the Deployment whose template the pod is.
	owner *metav1.ObjectMeta
}

func hostileShapes() map[string]func() shape {
	shapes := hostilePods()
	maps.Copy(shapes, hostileClasses())
	maps.Copy(shapes, hostileUses())
	return shapes
}

// decide decides about a shape as admission does: the pod, or else each class.
func (s *shape) decide(tb testing.TB) []finding.Finding {
	tb.Helper()
	ns := fixture.New().Facts.Namespace
	maps.Copy(ns.Annotations, s.namespace)
	if s.pod == nil {
		var findings []finding.Finding
		for _, c := range s.classes {
			before := inject.ParseClass(c, ns, inject.Settings{})
			findings = append(findings, inject.DecideClassUpdate(inject.ParseClass(c, ns, inject.Settings{}), before, facts.Facts{Namespace: ns})...)
		}
		return findings
	}
	target := &workload.Target{Meta: &s.pod.ObjectMeta, Spec: &s.pod.Spec, Kind: "Pod"}
	if s.owner != nil {
		target = &workload.Target{Meta: &s.pod.ObjectMeta, Spec: &s.pod.Spec, Kind: "Deployment", Owner: s.owner, Template: true, Path: finding.At("spec", "template")}
	}
	request := inject.Parse(target, ns, inject.Settings{})
	known, err := facts.Gather(context.Background(), classSource{classes: s.classes}, ns, request.Needs())
	if err != nil {
		tb.Fatal(err)
	}
	d := inject.Decide(request, known)
	_ = d.Describe(known)
	return d.Findings
}

// classSource has classes, and a ServiceAccount of every name.
type classSource struct {
	facts.Partial
	classes []*secretsstorev1.SecretProviderClass
}

func (s classSource) SyncedBy(_ context.Context, secrets []string) (map[string][]string, error) {
	return facts.SyncedSecrets(s.classes, secrets), nil
}

func (s classSource) Class(_ context.Context, name string) (*secretsstorev1.SecretProviderClass, error) {
	for _, c := range s.classes {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, nil
}

func (s classSource) ServiceAccount(_ context.Context, name string) (*corev1.ServiceAccount, error) {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{
		provider.AnnotationClientID: fixture.Client, provider.AnnotationTenantID: fixture.Tenant,
	}}}, nil
}

func (classSource) CSIDriver(context.Context) (*storagev1.CSIDriver, error) {
	return fixture.New().Facts.CSIDriver, nil
}

func (classSource) Driver(context.Context) (*provider.Driver, error) { return nil, nil }

const (
	// maxAllocated is what one decision may allocate in all.
	maxAllocated = 64 << 20
	// maxFound is the most findings of a decision: some hundreds for each rule.
	maxFound = 3000
	// maxTime is far above what any shape takes, and far below what work without a bound does.
	maxTime = 4 * time.Second
)

// No object makes a decision allocate more than a replica has room for, or collect findings
// without end. (How long each takes is the matter of BenchmarkHostile.)
func TestHostileShapes(t *testing.T) {
	for name, build := range hostileShapes() {
		t.Run(name, func(t *testing.T) {
			s := build()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			findings := s.decide(t)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%v, %d KiB allocated for %d KiB, %d findings", took, allocated>>10, s.size(t)>>10, len(findings))
			if allocated > maxAllocated && !race {
				t.Errorf("%d MiB allocated, at most %d", allocated>>20, maxAllocated>>20)
			}
			if len(findings) > maxFound {
				t.Errorf("%d findings, at most %d", len(findings), maxFound)
			}
			if took > maxTime && (!race || took > 10*maxTime) {
				t.Errorf("it took %v: no machine is so busy, some work has no bound", took)
			}
		})
	}
}

func BenchmarkHostile(b *testing.B) {
	shapes := hostileShapes()
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		s := shapes[name]()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.decide(b)
			}
		})
	}
}

// size is that of the shape's JSON.
func (s *shape) size(tb testing.TB) int {
	tb.Helper()
	n := 0
	for _, c := range s.classes {
		n += len(asJSON(tb, c))
	}
	if s.pod != nil {
		n += len(asJSON(tb, s.pod))
	}
	return n
}

func asJSON(tb testing.TB, object any) []byte {
	tb.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}
