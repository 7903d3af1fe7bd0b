package workloads_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/cluster"
	"akv-injector/inject/annotation"
)

// A dry run of a workload tells what its pods will get; in earnest nothing is told of one
// that is right. Workloads that have nothing to do with secrets cost no call.
func whatIsToldOfWorkloads(t *testing.T, c *cluster.Cluster) {
	const ns = "shop"
	c.Namespace(t, ns, nil)
	// The driver's flags, as AKS has them; no node has a place for its pods.
	mustKubectl(t, c, `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: aks-secrets-store-csi-driver, namespace: kube-system}
spec:
  selector: {matchLabels: {app: secrets-store-csi-driver}}
  template:
    metadata: {labels: {app: secrets-store-csi-driver}}
    spec:
      nodeSelector: {none: such}
      containers:
      - name: secrets-store
        image: registry.example/secrets-store/driver:v1.5.4
        args: [--provider-volume=/var/run/secrets-store-csi-providers, --enable-secret-rotation=true, --rotation-poll-interval=4m]
`, "apply", "-f", "-")
	mustKubectl(t, c, `
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: secrets-store.csi.k8s.io}
spec: {podInfoOnMount: true, attachRequired: false, volumeLifecycleModes: [Ephemeral], tokenRequests: [{audience: "api://AzureADTokenExchange"}]}
`, "apply", "-f", "-")

	dry := mustKubectl(t, c, asking("web", annotation.RotationPollInterval+": 30s"), "apply", "-n", ns, "--dry-run=server", "-f", "-")
	said := strings.Join(dry.warnings(), "\n")
	for _, want := range []string{
		"/mnt/secrets-store/DB-Password", "/mnt/secrets-store/tls.pem", "payments-kv", // files and objects
		"class akv-payments-kv-", "created with the first pod", // class
		cluster.ClientID, cluster.Account, // identity
		"30s", "4m", // asked for and given
		"AKV015",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("a dry run does not tell %q:\n%s", want, said)
		}
	}
	for _, line := range dry.warnings() {
		if n := utf8.RuneCountInString(line); n > 256 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	if classes := mustKubectl(t, c, "", "get", "secretproviderclasses", "-n", ns, "-o", "name").stdout; classes != "" {
		t.Errorf("a dry run wrote %s", classes)
	}

	earnest := mustKubectl(t, c, asking("web"), "apply", "-n", ns, "-f", "-")
	if told := earnest.warnings(); len(told) > 0 {
		t.Errorf("told of a workload that is right: %q", told)
	}
	awaitPods(t, c, ns, map[string]int{"web": 1}, nil)
	// kubectl asks for nothing where nothing changes, so it is another one.
	again := mustKubectl(t, c, asking("another"), "apply", "-n", ns, "--dry-run=server", "-f", "-")
	if !strings.Contains(again.stderr, "generated; exists") {
		t.Errorf("the class that is there now: %q", again.stderr)
	}

	wantPlugin(t, c, ns)

	before := calls(t, c)
	plain := strings.Replace(asking("plain"), "      annotations:\n", "      annotations:\n        team: payments\n", 1)
	plain = strings.Join(slices.DeleteFunc(strings.Split(plain, "\n"), func(l string) bool { return strings.Contains(l, annotation.Prefix) }), "\n")
	mustKubectl(t, c, plain, "apply", "-n", ns, "-f", "-")
	mustKubectl(t, c, "", "scale", "deployment/plain", "deployment/web", "-n", ns, "--replicas=3")
	// (An annotation would cost one: a Deployment's generation changes with those too.)
	mustKubectl(t, c, "", "label", "deployment/web", "-n", ns, "team=payments")
	awaitPods(t, c, ns, map[string]int{"web": 3, "plain": 3}, nil)
	mustKubectl(t, c, "", "rollout", "restart", "deployment/plain", "-n", ns)
	workloads := func(lines []string) []string {
		return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.Contains(l, "workloads.validate") })
	}
	if diff := cmp.Diff(workloads(before), workloads(calls(t, c))); diff != "" {
		t.Errorf("workloads that change no secret cost calls (-before +after):\n%s\nwritten were:\n%s", diff, strings.Join(written(t, c, ns), "\n"))
	}
}

// A SecretProviderClass is refused where it is written, field by field, and whoever changes
// or deletes one is told who mounts it.
func classesAreChecked(t *testing.T, c *cluster.Cluster) {
	const ns = "classes"
	c.Namespace(t, ns, map[string]string{annotation.AllowedVaults: "payments-*"})
	refused := func(what, text string, wants ...string) {
		t.Helper()
		_, err := kubectl(t.Context(), c, text, "apply", "-n", ns, "-f", "-")
		if err == nil {
			t.Errorf("%s: let through", what)
			return
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in: %v", what, want, err)
			}
		}
	}
	refused("elements that are maps", class("maps", "payments-kv", mapElement), "AKV008", "spec.parameters.objects[0]", "Fix:")
	refused("a pinned version", class("pinned", "payments-kv", pinnedElement), "AKV004", "spec.parameters.objects[0].objectVersion")
	refused("another vault", class("fenced", "other-kv", goodElement), "AKV018", "ValidatingAdmissionPolicy", "Fix:")
	if told := mustKubectl(t, c, class("db", "payments-kv", goodElement), "apply", "-n", ns, "-f", "-").warnings(); len(told) > 0 {
		t.Errorf("told of a class that is right: %q", told)
	}
	mustKubectl(t, c, workload("apps/v1", "Deployment", "web", "none", "db", "", ""), "apply", "-n", ns, "-f", "-")
	awaitPods(t, c, ns, map[string]int{"web": 2}, nil)

	changed := mustKubectl(t, c, class("db", "payments-kv", strings.ReplaceAll(goodElement, "DB-Password", "Other")), "apply", "-n", ns, "-f", "-")
	wantTold(t, "a change of what pods mount", changed, "AKV022")
	labelled := mustKubectl(t, c, "", "label", "secretproviderclass/db", "-n", ns, "team=payments")
	if told := labelled.warnings(); len(told) > 0 {
		t.Errorf("a label is told of: %q", told)
	}
	deleted := mustKubectl(t, c, "", "delete", "secretproviderclass/db", "-n", ns)
	wantTold(t, "a deletion of what pods mount", deleted, "AKV022")
}

// written are the writes of workloads in a namespace: who, how and what.
func written(t *testing.T, c *cluster.Cluster, namespace string) []string {
	t.Helper()
	text, err := os.ReadFile(c.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		var event struct {
			Verb, RequestURI string
			User             struct{ Username string }
			ObjectRef        struct{ Namespace, Resource string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		if event.ObjectRef.Namespace == namespace && event.ObjectRef.Resource != "pods" && slices.Contains([]string{"create", "update", "patch"}, event.Verb) {
			lines = append(lines, event.User.Username+" "+event.Verb+" "+event.RequestURI)
		}
	}
	return lines
}
