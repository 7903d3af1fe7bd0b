package controller

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/provider"
)

const testNamespace = "shop"

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, secretsstorev1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

// cluster is an API server that holds objects.
func cluster(t *testing.T, calls interceptor.Funcs, objects ...client.Object) client.WithWatch {
	t.Helper()
	return fake.NewClientBuilder().
		WithScheme(testScheme(t)).
		WithIndex(&corev1.Pod{}, IndexClasses, indexClasses).
		WithObjects(objects...).
		WithInterceptorFuncs(calls).
		Build()
}

// hashed names a content as the engine does, and as anybody can who reads it.
func hashed(parameters map[string]string) provider.Class {
	content, err := json.Marshal(struct {
		Provider   string            `json:"provider"`
		Parameters map[string]string `json:"parameters"`
	}{"azure", parameters})
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(content)
	hash := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:26]
	return provider.Class{Name: "akv-" + strings.ToLower(parameters["keyvaultName"]) + "-" + hash, Parameters: parameters}
}

// classOf is a generated class.
func classOf(vault, object string) provider.Class {
	return hashed(map[string]string{
		"usePodIdentity": "false",
		"keyvaultName":   vault,
		"clientID":       "11111111-2222-3333-4444-555555555555",
		"tenantID":       "66666666-7777-8888-9999-000000000000",
		"cloudName":      "AzurePublicCloud",
		"objects":        "array:\n- |\n  objectName: " + object + "\n  objectType: secret\n",
	})
}

// with is the class's content with one parameter changed, under its old name.
func with(class provider.Class, key, value string) provider.Class {
	parameters := maps.Clone(class.Parameters)
	parameters[key] = value
	return provider.Class{Name: class.Name, Parameters: parameters}
}

// stored is the class as the API server holds it, changed by each edit.
func stored(class provider.Class, edits ...func(*secretsstorev1.SecretProviderClass)) *secretsstorev1.SecretProviderClass {
	spc := class.Object(testNamespace)
	spc.UID = types.UID("uid-" + class.Name)
	for _, edit := range edits {
		edit(spc)
	}
	return spc
}

func unlabelled(spc *secretsstorev1.SecretProviderClass) { spc.Labels = nil }

func edited(spc *secretsstorev1.SecretProviderClass) {
	spc.Spec.Parameters["keyvaultName"] = "somebody-elses"
}

func finalized(spc *secretsstorev1.SecretProviderClass) {
	spc.Finalizers = []string{"example.com/hold"}
	spc.DeletionTimestamp = &metav1.Time{Time: testNow}
}

func mark(value string) func(*secretsstorev1.SecretProviderClass) {
	return func(spc *secretsstorev1.SecretProviderClass) {
		spc.Annotations = map[string]string{annotation.UnusedSince: value}
	}
}

func markAgo(age time.Duration) func(*secretsstorev1.SecretProviderClass) {
	return mark(markAt(testNow.Add(-age)))
}

// mounting is a running pod that mounts classes, whose status has the given ones.
func mounting(name string, status []provider.Class, classes ...string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name, UID: types.UID("uid-" + name)},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
	if status != nil {
		pod.Annotations = map[string]string{annotation.Status: inject.Status{Version: "v1", Classes: status}.String()}
	}
	for i, class := range classes {
		pod.Spec.Volumes = append(pod.Spec.Volumes, classVolume(fmt.Sprintf("secrets-%d", i), class, ""))
	}
	return pod
}

func inPhase(phase corev1.PodPhase, pod *corev1.Pod) *corev1.Pod {
	pod.Status.Phase = phase
	return pod
}

// namespaceWith is an opted-in namespace, changed by each edit.
func namespaceWith(edits ...func(*corev1.Namespace)) *corev1.Namespace {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   testNamespace,
		Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled},
	}}
	for _, edit := range edits {
		edit(ns)
	}
	return ns
}

func optedOut(ns *corev1.Namespace) { ns.Labels = nil }

func fenced(globs string) func(*corev1.Namespace) {
	return func(ns *corev1.Namespace) {
		ns.Annotations = map[string]string{annotation.AllowedVaults: globs}
	}
}

func terminating(ns *corev1.Namespace) {
	ns.Finalizers = []string{"kubernetes"}
	ns.DeletionTimestamp = &metav1.Time{Time: testNow}
}

func keyOf(class provider.Class) types.NamespacedName {
	return types.NamespacedName{Namespace: testNamespace, Name: class.Name}
}

func requestFor(class provider.Class) reconcile.Request {
	return reconcile.Request{NamespacedName: keyOf(class)}
}

// storedClass is the class in the cluster, nil if there is none.
func storedClass(ctx context.Context, t *testing.T, c client.Reader, name string) *secretsstorev1.SecretProviderClass {
	t.Helper()
	var spc secretsstorev1.SecretProviderClass
	err := c.Get(ctx, client.ObjectKey{Namespace: testNamespace, Name: name}, &spc)
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return &spc
}

// recorded are events as "Warning ClassNotRestored NoRecord".
type recorded struct {
	mu     sync.Mutex
	events []string
	notes  []string
	// pods are events of pods, as "name: Warning ClassNotRestored NoRecord".
	pods []string
}

func (r *recorded) Eventf(regarding, _ runtime.Object, eventtype, reason, action, note string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pod, ok := regarding.(*corev1.Pod); ok {
		r.pods = append(r.pods, pod.Name+": "+eventtype+" "+reason+" "+action+": "+fmt.Sprintf(note, args...))
		return
	}
	r.events = append(r.events, eventtype+" "+reason+" "+action)
	r.notes = append(r.notes, fmt.Sprintf(note, args...))
}

func testMetrics() *metrics { return newMetrics(prometheus.NewRegistry()) }

// calls counts what reaches the API server.
type calls struct {
	mu    sync.Mutex
	names []string
}

func (c *calls) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names = append(c.names, name)
}

// counted is a counter's value.
func counted(t *testing.T, counter prometheus.Counter) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(counter)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

// settled reports whether there is nothing to do about a class.
func settled(spc *secretsstorev1.SecretProviderClass, class provider.Class) bool {
	return spc.DeletionTimestamp == nil && managed(spc) && class.Matches(spc) && !marked(spc)
}
