package workloads_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
)

// legacy is a namespace full of what stops rotation, written by hand before akv-injector
// came. Each workload's app label says its one mistake.
var legacy = class("good", "payments-kv", goodElement) + `
  secretObjects:
  - {secretName: synced, type: Opaque, data: [{objectName: DB-Password, key: password}]}
---
` + class("pinned", "payments-kv", pinnedElement) + `---
` + class("maps", "payments-kv", mapElement) + `---
` + workload("apps/v1", "Deployment", "sub-path", "AKV001", "good", "subPath: DB-Password", "") + `---
` + workload("apps/v1", "Deployment", "pinned", "AKV004", "pinned", "", "") + `---
` + workload("apps/v1", "Deployment", "maps", "AKV008", "maps", "", "") + `---
` + workload("apps/v1", "Deployment", "override", "AKV009", "good", "", "keyvaultName: other-kv") + `---
` + workload("apps/v1", "Deployment", "interval", "AKV005", "good", "", `rotationPollInterval: "2"`) + `---
` + workload("apps/v1", "StatefulSet", "stateful", "AKV001", "good", "subPath: DB-Password", "") + `---
` + workload("apps/v1", "DaemonSet", "daemon", "AKV004", "pinned", "", "") + `---
` + workload("apps/v1", "ReplicaSet", "replicas", "AKV001", "good", "subPath: DB-Password", "") + `---
` + workload("v1", "ReplicationController", "controller", "AKV009", "good", "", "keyvaultName: other-kv") + `---
` + workload("batch/v1", "Job", "job", "AKV004", "pinned", "", "") + `---
` + workload("batch/v1", "CronJob", "cron", "AKV008", "maps", "", "") + `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: env, labels: {app: env}, annotations: {rule: AKV006}}
spec:
  replicas: 2
  selector: {matchLabels: {app: env}}
  template:
    metadata: {labels: {app: env}}
    spec:
      serviceAccountName: workload-identity-sa
      containers:
      - name: app
        image: none
        env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: synced, key: password}}}]
        volumeMounts: [{name: secrets, mountPath: /secrets, readOnly: true}]
      volumes:
      - name: secrets
        csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: good}}
`

// Elements of a class's objects: as the provider takes them, pinned, and a map where a
// string belongs.
const (
	goodElement   = "|\n          objectName: DB-Password\n          objectType: secret"
	pinnedElement = goodElement + "\n          objectVersion: 0123456789abcdef0123456789abcdef"
	mapElement    = "objectName: DB-Password\n          objectType: secret"
)

// class is a SecretProviderClass of one object.
func class(name, vault, element string) string {
	return `
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: ` + name + `}
spec:
  provider: azure
  parameters:
    keyvaultName: ` + vault + `
    clientID: ` + cluster.ClientID + `
    tenantID: ` + cluster.TenantID + `
    objects: |
      array:
        - ` + element + `
`
}

// workload is one of a kind whose mount or volume attributes have something more.
func workload(apiVersion, kind, name, rule, class, mount, attribute string) string {
	more := func(text string) string {
		if text == "" {
			return ""
		}
		return ", " + text
	}
	pod := `metadata: {labels: {app: ` + name + `}}
spec:
  serviceAccountName: workload-identity-sa
  restartPolicy: RESTART
  containers:
  - name: app
    image: none
    volumeMounts: [{name: secrets, mountPath: /secrets, readOnly: true` + more(mount) + `}]
  volumes:
  - name: secrets
    csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: ` + class + more(attribute) + `}}
`
	head := "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: " + name + ", labels: {app: " + name + "}, annotations: {rule: " + rule + "}}\nspec:\n"
	indent := func(text, by string) string {
		return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by) + "\n"
	}
	always, never := strings.ReplaceAll(pod, "RESTART", "Always"), strings.ReplaceAll(pod, "RESTART", "Never")
	selector := "  selector: {matchLabels: {app: " + name + "}}\n"
	switch kind {
	case "DaemonSet":
		return head + selector + "  template:\n" + indent(always, "    ")
	case "StatefulSet":
		return head + "  replicas: 1\n  serviceName: none\n" + selector + "  template:\n" + indent(always, "    ")
	case "ReplicationController":
		return head + "  replicas: 2\n  selector: {app: " + name + "}\n  template:\n" + indent(always, "    ")
	case "Job":
		return head + "  template:\n" + indent(never, "    ")
	case "CronJob":
		// Nobody waits for the hour; its job is made by hand.
		return head + "  schedule: \"0 0 1 1 *\"\n  jobTemplate:\n    spec:\n      template:\n" + indent(never, "        ")
	}
	return head + "  replicas: 2\n" + selector + "  template:\n" + indent(always, "    ")
}

// A namespace full of unsafe workloads opts in. Its node is drained, everything is scaled,
// restarted, and given another image: nothing is refused, everything is warned of, and
// counted. Only what is wrong anew is refused.
func TestAdoption(t *testing.T) {
	t.Parallel()
	c := start(t, injector.Options{})
	const ns = "legacy"
	if err := c.CreateNamespace(t.Context(), ns, nil, nil); err != nil {
		t.Fatal(err)
	}
	mustKubectl(t, c, "", "create", "serviceaccount", cluster.Account, "-n", ns)
	mustKubectl(t, c, "", "annotate", "serviceaccount", cluster.Account, "-n", ns,
		"azure.workload.identity/client-id="+cluster.ClientID, "azure.workload.identity/tenant-id="+cluster.TenantID)
	// Those that were refused to see whether akv-injector is called.
	probes := findings(t, c, `outcome="refused"`)
	applied := mustKubectl(t, c, legacy, "apply", "-n", ns, "-f", "-")
	if warned := applied.warnings(); len(warned) > 0 {
		t.Errorf("a namespace that has not opted in is warned: %q", warned)
	}
	mustKubectl(t, c, "", "create", "job", "by-hand", "--from=cronjob/cron", "-n", ns)
	// Of how many pods each is.
	want := map[string]int{
		"sub-path": 2, "pinned": 2, "maps": 2, "override": 2, "interval": 2, "env": 2,
		"stateful": 1, "daemon": 1, "replicas": 2, "controller": 2, "job": 1, "cron": 1,
	}
	before := awaitPods(t, c, ns, want, nil)

	mustKubectl(t, c, "", "label", "namespace", ns, "azure.keyvault.injector/injection=enabled")

	// Every node is drained; each pod is evicted and regenerated by its controller.
	drained := mustKubectl(t, c, "", "drain", "node-1", "--force", "--ignore-daemonsets", "--grace-period=0", "--timeout=120s")
	mustKubectl(t, c, "", "delete", "pod", "-n", ns, "-l", "app=daemon", "--grace-period=0", "--force")
	mustKubectl(t, c, "", "uncordon", "node-1")
	if !strings.Contains(drained.stdout, "evicting pod legacy/sub-path-") {
		t.Errorf("drain evicted nothing: %s", drained.stdout)
	}
	awaitPods(t, c, ns, want, before)
	controllers := findings(t, c, `outcome="controller"`)
	if controllers == 0 {
		t.Error("no finding on a controller's pod is counted")
	}

	// Scaling is not ours to hear of.
	for _, w := range []string{"deployment/sub-path", "deployment/pinned", "deployment/maps", "deployment/override", "deployment/interval", "deployment/env", "statefulset/stateful", "replicaset/replicas", "replicationcontroller/controller"} {
		scaled := mustKubectl(t, c, "", "scale", w, "-n", ns, "--replicas=3")
		if warned := scaled.warnings(); len(warned) > 0 {
			t.Errorf("scaling %s is warned of: %q", w, warned)
		}
		want[strings.SplitAfter(w, "/")[1]] = 3
	}
	want["stateful"] = 1 // its second pod waits until the first is ready, which none is here
	awaitPods(t, c, ns, want, nil)

	for w, rule := range map[string]string{
		"deployment/sub-path": "AKV001", "deployment/pinned": "AKV004", "deployment/maps": "AKV008", "deployment/override": "AKV009",
		"deployment/interval": "AKV005", "deployment/env": "AKV006", "statefulset/stateful": "AKV001", "daemonset/daemon": "AKV004",
	} {
		restarted := mustKubectl(t, c, "", "rollout", "restart", w, "-n", ns)
		wantTold(t, "restart of "+w, restarted, rule)
	}
	bumped := mustKubectl(t, c, "", "set", "image", "deployment/sub-path", "app=other", "-n", ns)
	wantTold(t, "another image", bumped, "AKV001")
	// What does not touch the pods is not refused either.
	mustKubectl(t, c, "", "annotate", "deployment/sub-path", "-n", ns, "team=payments")
	// The same manifest is applied again, as GitOps does over and over.
	mustKubectl(t, c, legacy, "apply", "-n", ns, "-f", "-")
	mustKubectl(t, c, "", "patch", "deployment/pinned", "-n", ns, "--type=merge", "-p", `{"metadata":{"finalizers":["example.com/keep"]}}`)
	mustKubectl(t, c, "", "delete", "deployment/pinned", "-n", ns, "--wait=false")
	mustKubectl(t, c, "", "patch", "deployment/pinned", "-n", ns, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)

	if warned := findings(t, c, `outcome="warned"`); warned == 0 {
		t.Error("no finding on a workload is counted")
	}
	if refused := findings(t, c, `outcome="refused"`) - probes; refused != 0 {
		t.Errorf("%g findings refused something", refused)
	}

	// One more mistake is one more too many, and the old ones are not told as causes.
	_, err := kubectl(t.Context(), c, "", "patch", "deployment/override", "-n", ns, "--type=json", "-p",
		`[{"op":"add","path":"/spec/template/spec/containers/0/volumeMounts/0/subPath","value":"DB-Password"}]`)
	if err == nil || !strings.Contains(err.Error(), "AKV001") {
		t.Errorf("a new mistake: %v, want it refused by AKV001", err)
	} else if strings.Contains(err.Error(), "AKV009 attribute-override") && !strings.Contains(err.Error(), "Warning:") {
		t.Errorf("the old mistake is told as a cause: %v", err)
	}
	// In a new workload every mistake is one.
	_, err = kubectl(t.Context(), c, workload("apps/v1", "Deployment", "new", "AKV001", "good", "subPath: DB-Password", ""), "create", "-n", ns, "-f", "-")
	if err == nil || !strings.Contains(err.Error(), "spec.template.spec.containers[0].volumeMounts[0].subPath") {
		t.Errorf("a new workload: %v, want it refused", err)
	}
	if refused := findings(t, c, `outcome="refused"`) - probes; refused == 0 {
		t.Error("no refusal is counted")
	}
}

// wantTold wants a warning of the rule.
func wantTold(t *testing.T, what string, o output, rule string) {
	t.Helper()
	if !slices.ContainsFunc(o.warnings(), func(w string) bool { return strings.Contains(w, rule+" ") }) {
		t.Errorf("%s: no warning of %s: %q", what, rule, o.stderr)
	}
}

// awaitPods waits until each app has as many pods, none of them one of before.
func awaitPods(t *testing.T, c *cluster.Cluster, namespace string, want map[string]int, before map[string]string) map[string]string {
	t.Helper()
	var pods map[string]string
	err := soon.Until(t.Context(), "the pods of every workload", func(ctx context.Context) (bool, string) {
		var err error
		if pods, err = podNames(ctx, c, namespace); err != nil {
			return false, err.Error()
		}
		got := map[string]int{}
		for name, app := range pods {
			if _, old := before[name]; old {
				// A StatefulSet's pod keeps its name.
				if app != "stateful" {
					return false, name + " is still there"
				}
			}
			got[app]++
		}
		return maps.Equal(got, want), fmt.Sprintf("%v, want %v", got, want)
	})
	if err != nil {
		events, _ := kubectl(context.Background(), c, "", "get", "events", "-n", namespace)
		t.Fatalf("%v\n%s", err, events.stdout)
	}
	return pods
}

// findings is how many akv-injector counts whose labels have this one.
func findings(t *testing.T, c *cluster.Cluster, label string) float64 {
	t.Helper()
	total := 0.0
	for _, r := range c.Injector.Replicas() {
		metrics, err := r.Metrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(metrics) {
			if strings.HasPrefix(line, "akv_injector_findings_total{") && strings.Contains(line, label) {
				n, err := strconv.ParseFloat(line[strings.LastIndexByte(strings.TrimSpace(line), ' ')+1:len(strings.TrimSpace(line))], 64)
				if err != nil {
					t.Fatal(err)
				}
				total += n
			}
		}
	}
	return total
}
