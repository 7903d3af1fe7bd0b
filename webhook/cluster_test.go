package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	secretsstorev1 "sigs.k8s.io/secrets-store-csi-driver/apis/v1"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

const (
	testTenant = "11111111-2222-3333-4444-555555555555"
	testClient = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
)

// objects is a Getter over what is in it. An error for a type and name ("Namespace
// shop") is returned instead.
type objects struct {
	items []client.Object
	errs  map[string]error
	gets  int
	// kinds that were asked for, each once, in order of the alphabet.
	kinds []string
	mu    sync.Mutex
}

func kindOf(obj client.Object) string { return reflect.TypeOf(obj).Elem().Name() }

func (o *objects) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gets++
	if kind := kindOf(obj); !slices.Contains(o.kinds, kind) {
		o.kinds = append(o.kinds, kind)
		slices.Sort(o.kinds)
	}
	if err := o.errs[kindOf(obj)+" "+key.Name]; err != nil {
		return err
	}
	for _, item := range o.items {
		if kindOf(item) == kindOf(obj) && item.GetName() == key.Name && item.GetNamespace() == key.Namespace {
			reflect.ValueOf(obj).Elem().Set(reflect.ValueOf(item.DeepCopyObject()).Elem())
			return nil
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{Resource: strings.ToLower(kindOf(obj)) + "s"}, key.Name)
}

func namespace(annotations map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "shop", Labels: map[string]string{annotation.LabelInjection: annotation.InjectionEnabled}, Annotations: annotations,
	}}
}

func account(name string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: name,
		Annotations: map[string]string{provider.AnnotationClientID: testClient},
	}}
}

// inPlace is all that a pod that asks needs.
func inPlace() []client.Object {
	return []client.Object{
		namespace(nil), account("default"), account("web"),
		&storagev1.CSIDriver{
			ObjectMeta: metav1.ObjectMeta{Name: provider.DriverName},
			Spec: storagev1.CSIDriverSpec{
				RequiresRepublish: new(true),
				TokenRequests:     []storagev1.TokenRequest{{Audience: "api://AzureADTokenExchange"}},
			},
		},
	}
}

// cluster is what a test's handler stands in: its readers, and the classes written.
type cluster struct {
	cached, live *objects
	ensureErr    error
	refuses      bool
	ensured      []string
	mu           sync.Mutex
	logs         *logLines
	registry     *prometheus.Registry
	ownUser      string
	settings     inject.Settings
	driver       *provider.Driver
	// mounting are the pods that mount a class, by its name.
	mounting    map[string][]string
	mountingErr error
	// bindings are the identities that accounts may use through bindings; permission is the answer about others.
	bindings      map[string]string
	permission    facts.Permission
	permissionErr error
	// calls are those of the cluster's pods to vaults, nil if that is not known.
	calls map[string]int
	// asked are the uses that were asked about.
	asked       []facts.Use
	vaults      *vaults
	vaultBudget time.Duration
	vaultHints  bool
	// now is the time, if it is not the real one.
	now time.Time
}

// newCluster has the same objects in the cache and behind it.
func newCluster(items ...client.Object) *cluster {
	return &cluster{
		cached: &objects{items: items}, live: &objects{items: items},
		logs: &logLines{}, registry: prometheus.NewRegistry(),
		settings: inject.Settings{TenantID: testTenant, Version: "test"},
		vaults:   &vaults{},
	}
}

func (c *cluster) admission() *Admission {
	a := New(Options{
		Cached: c.cached, Live: c.live, Settings: c.settings, MountedGate: func() bool { return c.settings.MountedGate }, OwnUser: c.ownUser,
		Driver: func(context.Context) *provider.Driver { return c.driver },
		MountedBy: func(_ context.Context, _, class string) ([]string, error) {
			return c.mounting[class], c.mountingErr
		},
		SyncedBy: func(_ context.Context, namespace string, secrets []string) (map[string][]string, error) {
			var classes []*secretsstorev1.SecretProviderClass
			for _, item := range c.cached.items {
				if class, ok := item.(*secretsstorev1.SecretProviderClass); ok && class.Namespace == namespace {
					classes = append(classes, class)
				}
			}
			return facts.SyncedSecrets(classes, secrets), nil
		},
		MayUse: func(_ context.Context, _ string, use facts.Use) (facts.Permission, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.asked = append(c.asked, use)
			if client, ok := c.bindings[use.Account]; ok && client == use.ClientID {
				return facts.Allowed, c.permissionErr
			}
			return c.permission, c.permissionErr
		},
		Calls: func(vault facts.VaultRef) (int, bool) { return c.calls[vault.Vault], c.calls != nil },
		Ensure: func(_ context.Context, namespace string, class provider.Class) (string, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.ensureErr != nil {
				return "", c.ensureErr
			}
			c.ensured = append(c.ensured, namespace+"/"+class.Name)
			return "created", nil
		},
		Refusal: func(error) bool { return c.refuses },
		Vaults:  c.vaults, VaultBudget: c.vaultBudget, VaultHints: c.vaultHints,
		Log:     c.logs.logger(),
		Metrics: NewMetrics(c.registry, "test"),
	})
	if !c.now.IsZero() {
		a.now = func() time.Time { return c.now }
	}
	return a
}

// logLines keeps what was logged.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) logger() logr.Logger {
	return funcr.New(func(_, args string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, args)
	}, funcr.Options{})
}

func (l *logLines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// asking is a pod that asks for a secret.
func asking() *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "web-",
			Annotations: map[string]string{
				annotation.Vault:   "payments-kv",
				annotation.Objects: "DB-Password",
			},
		},
		Spec: corev1.PodSpec{
			ServiceAccountName: "web",
			Containers:         []corev1.Container{{Name: "app", Image: "app"}},
		},
	}
}

func withAnnotation(pod *corev1.Pod, key, value string) *corev1.Pod {
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[key] = value
	return pod
}

func raw(tb testing.TB, pod runtime.Object) []byte {
	tb.Helper()
	b, err := json.Marshal(pod)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// reviewOf is the API server's request for the creation of a pod.
func reviewOf(object []byte) *admissionv1.AdmissionReview {
	return &admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID:       "uid-1",
			Kind:      metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource:  metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			Namespace: "shop",
			Operation: admissionv1.Create,
			UserInfo:  authenticationv1.UserInfo{Username: "jane", Groups: []string{"system:authenticated"}},
			Object:    runtime.RawExtension{Raw: object},
		},
	}
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func post(handler http.Handler, path string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path+"?timeout=5s", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// answerOf posts a review and reads the verdict.
func answerOf(tb testing.TB, handler http.Handler, review *admissionv1.AdmissionReview) *admissionv1.AdmissionResponse {
	tb.Helper()
	answer := answerTo(tb, post(handler, "/", marshal(tb, review)))
	if answer.UID != review.Request.UID {
		tb.Errorf("uid is %q, want the request's %q", answer.UID, review.Request.UID)
	}
	return answer
}

// answerTo reads the verdict in an answer.
func answerTo(tb testing.TB, w *httptest.ResponseRecorder) *admissionv1.AdmissionResponse {
	tb.Helper()
	if w.Code != http.StatusOK {
		tb.Fatalf("HTTP %d: %s", w.Code, w.Body)
	}
	answer := &admissionv1.AdmissionReview{}
	if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
		tb.Fatal(err)
	}
	if answer.Kind != "AdmissionReview" || answer.APIVersion != "admission.k8s.io/v1" || answer.Response == nil {
		tb.Fatalf("not an AdmissionReview: %s", w.Body)
	}
	return answer.Response
}

// applied is the object with the answer's patch.
func applied(tb testing.TB, object []byte, answer *admissionv1.AdmissionResponse) []byte {
	tb.Helper()
	if len(answer.Patch) == 0 {
		return object
	}
	patch, err := jsonpatch.DecodePatch(answer.Patch)
	if err != nil {
		tb.Fatal(err)
	}
	patched, err := patch.Apply(object)
	if err != nil {
		tb.Fatalf("%v\npatch: %s", err, answer.Patch)
	}
	return patched
}

// handWritten is a pod with a secrets-store volume and no annotation of ours.
func handWritten(tb testing.TB, mount string) *corev1.Pod {
	tb.Helper()
	pod := &corev1.Pod{}
	text := fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: legacy}
spec:
  containers:
  - name: app
    image: app
    volumeMounts: [%s]
  volumes:
  - name: secrets
    csi:
      driver: secrets-store.csi.k8s.io
      readOnly: true
      volumeAttributes: {secretProviderClass: legacy}
`, mount)
	if err := yaml.UnmarshalStrict([]byte(text), pod); err != nil {
		tb.Fatal(err)
	}
	return pod
}

func legacyClass() *secretsstorev1.SecretProviderClass {
	return &secretsstorev1.SecretProviderClass{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "legacy"},
		Spec: secretsstorev1.SecretProviderClassSpec{
			Provider: provider.ProviderAzure,
			Parameters: map[string]string{
				"usePodIdentity": "false", "keyvaultName": "payments-kv", "tenantID": testTenant, "clientID": testClient,
				"objects": "array:\n  - |\n    objectName: DB-Password\n    objectType: secret\n",
			},
		},
	}
}

var errTimeout = errors.New("context deadline exceeded")
