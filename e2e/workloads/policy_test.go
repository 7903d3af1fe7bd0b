package workloads_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/e2e/cluster"
	"akv-injector/inject/annotation"
)

// asking is a Deployment whose pods ask; its annotations can have more lines.
func asking(name string, more ...string) string {
	annotations := "        " + strings.Join(append([]string{
		annotation.Vault + ": payments-kv",
		annotation.Objects + ": DB-Password, tls.pem=cert/frontend",
		annotation.ServiceAccount + ": " + cluster.Account,
	}, more...), "\n        ")
	return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ` + name + `}
spec:
  replicas: 1
  selector: {matchLabels: {app: ` + name + `}}
  template:
    metadata:
      labels: {app: ` + name + `}
      annotations:
` + annotations + `
    spec:
      containers: [{name: app, image: none}]
`
}

// The annotations are of no use where nobody reads them. The API server itself says so:
// akv-injector is not called.
func namespaceThatDidNotOptIn(t *testing.T, c *cluster.Cluster) {
	for name, labels := range map[string]map[string]string{
		"elsewhere": nil,
		"opted-in":  {annotation.LabelInjection: annotation.InjectionEnabled},
		"left-out":  {annotation.LabelInjection: annotation.InjectionEnabled, "kubernetes.azure.com/managedby": "aks"},
	} {
		if err := c.CreateNamespace(t.Context(), name, labels, nil); err != nil {
			t.Fatal(err)
		}
		mustKubectl(t, c, "", "create", "serviceaccount", cluster.Account, "-n", name)
		mustKubectl(t, c, "", "annotate", "serviceaccount", cluster.Account, "-n", name,
			"azure.workload.identity/client-id="+cluster.ClientID, "azure.workload.identity/tenant-id="+cluster.TenantID)
	}
	toldOf := func(o output) []string {
		return slices.DeleteFunc(o.warnings(), func(w string) bool { return !strings.Contains(w, "AKV021") })
	}
	// The API server learns of a policy a while after it is written.
	soon.Require(t, "the policy", func(ctx context.Context) (bool, string) {
		o, err := kubectl(ctx, c, asking("first"), "apply", "-n", "elsewhere", "--dry-run=server", "-f", "-")
		return err == nil && len(toldOf(o)) > 0, fmt.Sprintf("%v %q", err, o.stderr)
	})
	before := calls(t, c)
	told := toldOf(mustKubectl(t, c, asking("web"), "apply", "-n", "elsewhere", "-f", "-"))
	want := "Run: kubectl label namespace elsewhere " + annotation.LabelInjection + "=" + annotation.InjectionEnabled
	if len(told) != 1 || !strings.Contains(told[0], want) {
		t.Errorf("told %q, want %q in it", told, want)
	}
	if told := toldOf(mustKubectl(t, c, asking("web"), "apply", "-n", "left-out", "-f", "-")); len(told) != 1 || strings.Contains(told[0], "label namespace") {
		t.Errorf("in a namespace that is left out: %q", told)
	}
	if told := toldOf(mustKubectl(t, c, asking("opts-out", annotation.Inject+`: "false"`), "apply", "-n", "elsewhere", "-f", "-")); len(told) > 0 {
		t.Errorf("a Deployment that opts out is told %q", told)
	}
	if diff := cmp.Diff(before, calls(t, c)); diff != "" {
		t.Errorf("akv-injector was called (-before +after):\n%s", diff)
	}
	if told := toldOf(mustKubectl(t, c, asking("web"), "apply", "-n", "opted-in", "-f", "-")); len(told) > 0 {
		t.Errorf("in a namespace that opted in: %q", told)
	}

	// notOptedIn: Deny
	mustKubectl(t, c, "", "patch", "validatingadmissionpolicybinding", "akv-injector-not-opted-in", "--type=merge",
		"-p", `{"spec":{"validationActions":["Deny"]}}`)
	soon.Require(t, "the policy to deny", func(ctx context.Context) (bool, string) {
		o, err := kubectl(ctx, c, asking("denied"), "create", "-n", "elsewhere", "--dry-run=server", "-f", "-")
		return err != nil && strings.Contains(err.Error(), "AKV021"), fmt.Sprintf("%v %q", err, o.stderr)
	})
	// What asked before goes on.
	mustKubectl(t, c, "", "scale", "deployment/web", "-n", "elsewhere", "--replicas=2")
	awaitPods(t, c, "elsewhere", map[string]int{"web": 2, "opts-out": 1}, nil)
	mustKubectl(t, c, "", "annotate", "deployment/web", "-n", "elsewhere", "team=payments")
	mustKubectl(t, c, "", "rollout", "restart", "deployment/web", "-n", "elsewhere")
	// One more than asked for: the old ones go when it is ready, which it never is here.
	awaitPods(t, c, "elsewhere", map[string]int{"web": 3, "opts-out": 1}, nil)
	mustKubectl(t, c, "", "delete", "deployment/web", "-n", "elsewhere")
}

// calls are the API server's own counts of its calls of our webhooks, a line each.
func calls(t *testing.T, c *cluster.Cluster) []string {
	t.Helper()
	metrics, err := c.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "apiserver_admission_webhook_request_total{") && strings.Contains(line, "azure.keyvault.injector") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	slices.Sort(lines)
	return lines
}
