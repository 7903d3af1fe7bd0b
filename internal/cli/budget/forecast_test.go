package budget

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject"
	"akv-injector/inject/facts"
	"akv-injector/internal/cli/manifest"
)

const workloads = `apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: orders, namespace: shop}
spec:
  provider: azure
  parameters:
    keyvaultName: shop-kv
    clientID: 11111111-1111-1111-1111-111111111111
    tenantID: 22222222-2222-2222-2222-222222222222
    objects: |
      array:
        - |
          objectName: DB-Password
          objectType: secret
        - |
          objectName: API-Key
          objectType: secret
          objectVersionHistory: 3
        - |
          objectName: frontend
          objectType: cert
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  replicas: 30
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      containers:
        - {name: app, image: app:1, volumeMounts: [{name: kv, mountPath: /kv, readOnly: true}]}
      volumes:
        - {name: kv, csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: orders}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata:
      labels: {app: agent}
      annotations: {azure.keyvault.injector/objects.shop-kv: Agent-Key}
    spec:
      serviceAccountName: agent
      containers: [{name: app, image: app:1}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata: {annotations: {azure.keyvault.injector/objects.shop-kv: DB-Password}}
        spec:
          restartPolicy: Never
          serviceAccountName: nightly
          containers: [{name: app, image: app:1}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: off, namespace: shop}
spec:
  replicas: 0
  selector: {matchLabels: {app: off}}
  template:
    metadata: {labels: {app: off}, annotations: {azure.keyvault.injector/objects.shop-kv: DB-Password}}
    spec: {serviceAccountName: off, containers: [{name: app, image: app:1}]}
`

func read(t *testing.T, text string) (*manifest.Set, *manifest.Cluster) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set := manifest.Source{Paths: []string{file}}.Read()
	return set, set.Cluster("", false)
}

var settings = inject.Settings{Cloud: "AzurePublicCloud", RotationPollInterval: "2m"}

func TestForecast(t *testing.T) {
	set, cluster := read(t, workloads)
	report := Forecast(set, cluster, settings, Options{Nodes: 10, Cadence: Cadence{Every: 50 * time.Second, From: "--every"}})
	// Secrets: one of one call, one of a list and four versions; a certificate; and two first requests without a token.
	const calls = 1 + 5 + 1 + 2
	want := []Contributor{
		{Namespace: "shop", Workload: "Deployment/orders", Pods: 30, Objects: 3, Calls: calls, PerWindow: 54},
		{Namespace: "shop", Workload: "DaemonSet/agent", Pods: 10, Objects: 1, Calls: 2, PerWindow: 4},
	}
	if len(report.Vaults) != 1 {
		t.Fatalf("%+v, want one vault", report.Vaults)
	}
	v := report.Vaults[0]
	if diff := cmp.Diff(want, v.Contributors); diff != "" {
		t.Errorf("contributors (-want +got):\n%s", diff)
	}
	if v.PerWindow != 58 || v.Share != 58.0/4000 || v.PerMonth != 58*6*60*24*30 {
		t.Errorf("%+v", v)
	}
	if text := strings.Join(v.Advice, "\n"); !strings.Contains(text, "saves half: 29 calls") || !strings.Contains(text, "save 42.0 calls") {
		t.Errorf("advice: %s", text)
	}
	if len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "CronJob/nightly") {
		t.Errorf("notes: %q", report.Notes)
	}
	if report.Over(0.015) || !report.Over(0.014) {
		t.Errorf("over: %+v", v)
	}
	var b bytes.Buffer
	if err := report.WriteText(&b); err != nil || !strings.Contains(b.String(), "shop-kv: 58.0 calls in 10 s, 1.5% of the limit of 4000; 15,033,600 a month") {
		t.Errorf("%s: %v", b.String(), err)
	}
}

// A workload with an autoscaler counts as many pods as that allows; one that another namespace's autoscaler names, as many as it has.
func TestAutoscaler(t *testing.T) {
	scaler := func(namespace, target, most string) string {
		return "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a, namespace: " + namespace + "}\nspec: {maxReplicas: " + most +
			", scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: " + target + "}}\n"
	}
	for name, c := range map[string]struct {
		scalers string
		pods    map[string]int
	}{
		"more":                 {scaler("shop", "orders", "90"), map[string]int{"Deployment/orders": 90}},
		"fewer":                {scaler("shop", "orders", "3"), map[string]int{"Deployment/orders": 30}},
		"one that is off":      {scaler("shop", `"off"`, "5"), map[string]int{"Deployment/orders": 30}},
		"in another namespace": {scaler("pay", "orders", "90"), map[string]int{"Deployment/orders": 30}},
		"of nobody":            {scaler("shop", "nobody", "90"), map[string]int{"Deployment/orders": 30}},
		"no number":            {scaler("shop", "orders", "many"), map[string]int{"Deployment/orders": 30}},
		"two":                  {scaler("shop", "orders", "40") + scaler("shop", "orders", "50"), map[string]int{"Deployment/orders": 50}},
	} {
		set, cluster := read(t, workloads+c.scalers)
		report := Forecast(set, cluster, settings, Options{Cadence: Cadence{Every: time.Minute}})
		got := map[string]int{}
		for _, v := range report.Vaults {
			for _, contributor := range v.Contributors {
				got[contributor.Workload] = contributor.Pods
			}
		}
		if diff := cmp.Diff(c.pods, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if said := strings.Contains(strings.Join(report.Notes, "\n"), "HorizontalPodAutoscaler allows"); said != (name == "more" || name == "two") {
			t.Errorf("%s: %q", name, report.Notes)
		}
	}
}

func TestDaemonSetOfUnknownSize(t *testing.T) {
	set, cluster := read(t, workloads)
	report := Forecast(set, cluster, settings, Options{Cadence: Cadence{Every: time.Minute}})
	if len(report.Vaults[0].Contributors) != 1 || !strings.Contains(strings.Join(report.Notes, "\n"), "give --nodes") {
		t.Errorf("%+v", report)
	}
}

func TestCadence(t *testing.T) {
	driver := func(image string, args string) string {
		return `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: secrets-store, namespace: kube-system}
spec:
  selector: {matchLabels: {app: d}}
  template:
    metadata: {labels: {app: d}}
    spec:
      containers:
        - {name: driver, image: "registry.example/driver:` + image + `", args: [--provider-volume=/x, ` + args + `]}
`
	}
	for name, c := range map[string]struct {
		text    string
		every   time.Duration
		kubelet bool
	}{
		"nothing known":   {workloads, facts.KubeletEvery, true},
		"1.6":             {driver("v1.6.0", "--enable-secret-rotation=true, --rotation-poll-interval=30s"), facts.KubeletEvery, true},
		"1.5":             {driver("v1.5.6", "--enable-secret-rotation=true, --rotation-poll-interval=30s"), 30 * time.Second, false},
		"rotation is off": {driver("v1.5.6", "--rotation-poll-interval=30s"), 0, false},
	} {
		got := CadenceIn(read(t, c.text))
		if got.Every != c.every || got.Kubelet != c.kubelet || got.From == "" {
			t.Errorf("%s: %+v, want every %s", name, got, c.every)
		}
	}
}
