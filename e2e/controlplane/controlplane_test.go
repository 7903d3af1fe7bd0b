package controlplane_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/internal/testing/await"
)

// start starts a control plane, and checks when the test ends that nothing of it is left.
func start(t *testing.T, options controlplane.Options) *controlplane.ControlPlane {
	t.Helper()
	options.Dir = t.TempDir()
	options.Log = os.Stderr // t.Output shows a first build's progress only at the end
	cp, err := controlplane.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
		nothingLeft(t, options.Dir)
	})
	return cp
}

// nothingLeft wants an empty folder, and no process that was told about it.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, entry := range entries {
		t.Errorf("left behind: %s", entry.Name())
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Error(err)
	}
	for _, file := range processes {
		// A process that has ended meanwhile is not left.
		if content, err := os.ReadFile(file); err == nil && strings.Contains(string(content), dir) {
			t.Errorf("still runs: %.200q", content)
		}
	}
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "none"}}},
	}
}

func TestControlPlane(t *testing.T) {
	for name, options := range map[string]controlplane.Options{
		"API server alone":        {},
		"with controller-manager": {ControllerManager: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // two at once must not meet
			ctx := t.Context()
			cp := start(t, options)
			if err := cp.CreateNamespace(ctx, "payments", map[string]string{"team": "p"}, nil); err != nil {
				t.Fatal(err)
			}
			pods := cp.Client.CoreV1().Pods("payments")
			created, err := pods.Create(ctx, pod("kept"), metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if created.Spec.ServiceAccountName != "default" {
				t.Errorf("the pod runs as %q, want the built-in plugin's %q", created.Spec.ServiceAccountName, "default")
			}

			if err := cp.RestartAPIServer(ctx); err != nil {
				t.Fatal(err)
			}
			after, err := pods.Get(ctx, "kept", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if after.UID != created.UID {
				t.Errorf("after the restart the pod is another: %s, want %s", after.UID, created.UID)
			}
			if _, err := pods.Create(ctx, pod("new"), metav1.CreateOptions{}); err != nil {
				t.Errorf("no pod after the restart: %v", err)
			}
		})
	}
}

func TestWhatTestsRelyOn(t *testing.T) {
	t.Parallel()
	cp := start(t, controlplane.Options{})

	t.Run("a user may do what RBAC allows", func(t *testing.T) { wantRBAC(t, cp) })
	t.Run("the issuer is real", func(t *testing.T) { wantIssuer(t, cp) })
	t.Run("kubectl and the server have the same version", func(t *testing.T) { wantOneVersion(t, cp) })
	t.Run("metrics", func(t *testing.T) { wantMetrics(t, cp) })
	t.Run("the driver's CRDs are served", func(t *testing.T) { wantCRDs(t, cp) })
	t.Run("the audit log has what was done", func(t *testing.T) { wantAudited(t, cp) })
}

func wantRBAC(t *testing.T, cp *controlplane.ControlPlane) {
	t.Helper()
	user, err := cp.User("dev", "developers")
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(user.Config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `"dev"`) {
		t.Errorf("listing pods: %v, want forbidden to dev", err)
	}
}

func wantIssuer(t *testing.T, cp *controlplane.ControlPlane) {
	t.Helper()
	raw, err := cp.Client.Discovery().RESTClient().Get().AbsPath("/.well-known/openid-configuration").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var discovery struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(raw, &discovery); err != nil {
		t.Fatal(err)
	}
	if discovery.Issuer != cp.Issuer || discovery.JWKS != cp.Issuer+"/openid/v1/jwks" {
		t.Errorf("discovery is %+v, want those of %s", discovery, cp.Issuer)
	}
}

func wantOneVersion(t *testing.T, cp *controlplane.ControlPlane) {
	t.Helper()
	out, err := cp.KubectlCommand(t.Context(), "version", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var versions struct {
		ClientVersion, ServerVersion struct{ GitVersion string }
	}
	if err := json.Unmarshal(out, &versions); err != nil {
		t.Fatal(err)
	}
	if v := versions; v.ServerVersion != v.ClientVersion || !strings.HasPrefix(v.ServerVersion.GitVersion, "v1.") {
		t.Errorf("versions are %+v", v)
	}
}

func wantMetrics(t *testing.T, cp *controlplane.ControlPlane) {
	t.Helper()
	metrics, err := cp.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(metrics, "apiserver_request_total{") {
		t.Error("no apiserver_request_total in the metrics")
	}
}

func wantCRDs(t *testing.T, cp *controlplane.ControlPlane) {
	t.Helper()
	module, err := build.ModuleDir(t.Context(), build.CSIDriver)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time is no error
		names, err := controlplane.InstallCRDs(t.Context(), cp.Config, filepath.Join(module, "config/crd/bases"))
		if err != nil {
			t.Fatal(err)
		}
		if len(names) != 2 {
			t.Errorf("definitions are %v, want two", names)
		}
	}
	out, err := cp.KubectlCommand(t.Context(), "get", "secretproviderclasses", "-A", "-o", "name").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("listing classes: %v: %s", err, out)
	}
}

func wantAudited(t *testing.T, cp *controlplane.ControlPlane) {
	t.Helper()
	if _, err := cp.Client.CoreV1().Pods("default").Create(t.Context(), pod("audited"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitAudit(t, cp.AuditLog, func(e auditEvent) bool {
		return e.Verb == "create" && e.ObjectRef.Resource == "pods" && e.User.Username == "e2e-admin" &&
			e.Annotations["authorization.k8s.io/decision"] == "allow"
	})
}

type auditEvent struct {
	Verb        string
	User        struct{ Username string }
	ObjectRef   struct{ Resource, Name string }
	Annotations map[string]string
}

// awaitAudit waits for an event: it is written just after the answer was sent.
func awaitAudit(t *testing.T, path string, want func(auditEvent) bool) {
	t.Helper()
	await.Poll{Limit: 10 * time.Second}.Require(t, "the event in the audit log", func(context.Context) (bool, string) {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		count := 0
		for ; lines.Scan(); count++ {
			var event auditEvent
			if json.Unmarshal(lines.Bytes(), &event) == nil && want(event) {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%d others", count)
	})
}

func TestStartSaysWhyItFailed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := controlplane.Start(t.Context(), controlplane.Options{
		Dir: dir, Log: os.Stderr, ExtraAPIServerArgs: []string{"--no-such-flag"},
	})
	if err == nil {
		t.Fatal("started with an unknown flag")
	}
	for _, want := range []string{"kube-apiserver: ended unasked", "unknown flag: --no-such-flag"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error has no %q:\n%v", want, err)
		}
	}
	nothingLeft(t, dir)
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := controlplane.Start(ctx, controlplane.Options{Dir: dir}); err == nil {
		t.Error("started with a context that was done")
	}
	nothingLeft(t, dir)
}
