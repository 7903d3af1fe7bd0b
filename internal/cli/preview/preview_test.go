package preview_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/workload"
	"akv-injector/internal/cli/manifest"
	"akv-injector/internal/cli/preview"
	"akv-injector/internal/testing/corpus"
)

func read(t *testing.T, text string) *manifest.Set {
	t.Helper()
	set := manifest.Source{Paths: []string{manifest.Stdin}, Stdin: strings.NewReader(text)}.Read()
	if len(set.Problems) > 0 {
		t.Fatal(set.Problems)
	}
	return set
}

func of(t *testing.T, text string, complete bool) []preview.Item {
	t.Helper()
	set := read(t, text)
	items, err := preview.Of(t.Context(), set, preview.Files{Cluster: set.Cluster("default", complete)}, inject.Settings{Version: "v0"})
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// Of every pod of the corpus, preview makes what admission makes of it.
func TestCorpus(t *testing.T) {
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		t.Fatal(err)
	}
	injected := 0
	for _, c := range cases {
		// No vault is asked about a file.
		if c.Pod == nil || c.Options.Origin != "" || !c.Mutating() || c.Options.Vault != nil {
			continue
		}
		// Nor is the API server: what auto chooses is not known.
		if c.Options.Bindings != nil && c.Pod.Annotations[annotation.IdentityMode] == annotation.IdentityAuto {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			dir := t.TempDir()
			cluster, err := c.ClusterYAML()
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string][]byte{"cluster.yaml": cluster, "pod.json": c.PodJSON} {
				if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			set := manifest.Source{Paths: []string{dir}}.Read()
			if len(set.Problems) > 0 {
				t.Fatal(set.Problems)
			}
			items, err := preview.Of(t.Context(), set, preview.Files{Cluster: set.Cluster(corpus.Namespace, true)}, c.Settings())
			if err != nil {
				t.Fatal(err)
			}
			// The driver's DaemonSet, which some cases have, is a workload too.
			items = slices.DeleteFunc(items, func(item preview.Item) bool { return item.Target.Kind != "Pod" })
			if len(items) != 1 {
				t.Fatalf("%d pods", len(items))
			}
			item := items[0]
			want, stored := c.Want[corpus.WantPodFile]
			if !stored {
				if !bytes.Equal(item.After, item.Object.JSON) {
					t.Errorf("changed to %s", item.After)
				}
				return
			}
			injected++
			got, err := yaml.JSONToYAML(item.After)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-admission +preview)\n%s", diff)
			}
			if item.Outcome != preview.Injected {
				t.Errorf("outcome %v: %s", item.Outcome, item.Why)
			}
		})
	}
	if injected < 50 {
		t.Errorf("only %d cases are injected", injected)
	}
}

const (
	account = `---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: shop-sa
  annotations:
    azure.workload.identity/client-id: 11111111-2222-3333-4444-555555555555
    azure.workload.identity/tenant-id: aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
`
	template = `
    spec: {containers: [{name: web, image: busybox}]}
    metadata:
      annotations:
        azure.keyvault.injector/vault: shop-kv
        azure.keyvault.injector/objects: DB-Password
        azure.keyvault.injector/service-account: shop-sa
`
)

// A workload's template becomes what its pods get, whatever its kind.
func TestWorkloads(t *testing.T) {
	head := func(api, kind string) string {
		return "apiVersion: " + api + "\nkind: " + kind + "\nmetadata: {name: web}\nunknown: 12345678901234567890\nspec:\n  template:" + template
	}
	for name, text := range map[string]string{
		"Deployment":            head("apps/v1", "Deployment"),
		"StatefulSet":           head("apps/v1", "StatefulSet"),
		"DaemonSet":             head("apps/v1", "DaemonSet"),
		"ReplicaSet":            head("apps/v1", "ReplicaSet"),
		"ReplicationController": head("v1", "ReplicationController"),
		"Job":                   head("batch/v1", "Job"),
		"CronJob": "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web}\nunknown: 12345678901234567890\nspec:\n  jobTemplate:\n    spec:\n      template:" +
			strings.ReplaceAll(strings.TrimSuffix(template, "\n"), "\n", "\n    ") + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			items := of(t, text+account, false)
			if len(items) != 1 || items[0].Outcome != preview.Injected {
				t.Fatalf("%+v", items)
			}
			after := read(t, string(items[0].After)).Objects[0]
			target := workload.TargetOf(after.Typed)
			if len(target.Spec.Volumes) != 1 || target.Spec.ServiceAccountName != "shop-sa" || target.Meta.Labels[annotation.LabelInjected] != "true" {
				t.Errorf("not injected: %s", after.JSON)
			}
			if !bytes.Contains(after.JSON, []byte(`"unknown":12345678901234567890`)) {
				t.Errorf("the unknown field is lost: %s", after.JSON)
			}
			diff, err := items[0].Diff()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(diff, "--- "+name+" default/web (stdin:1): the template of its pods\n+++ its pods, as akv-injector admits them\n") {
				t.Error(diff)
			}
		})
	}
}

// What becomes of an object is said, or what is missing to say it.
func TestOutcomes(t *testing.T) {
	pod := "apiVersion: v1\nkind: Pod" + strings.ReplaceAll(template, "\n    ", "\n") + "  name: web\n"
	namespace := "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n"
	given := strings.Replace(pod, "service-account: shop-sa", "client-id: 11111111-2222-3333-4444-555555555555\n    azure.keyvault.injector/tenant-id: aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", 1)
	for name, c := range map[string]struct {
		text     string
		complete bool
		want     preview.Outcome
		why      string
	}{
		"injected":                           {text: pod + account, want: preview.Injected},
		"no account among the files":         {text: pod, want: preview.Unknown, why: "default/shop-sa"},
		"no account at all":                  {text: pod, complete: true, want: preview.Refused},
		"a template without its account":     {text: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:" + template, complete: true, want: preview.Refused},
		"no account is needed":               {text: given, want: preview.Injected},
		"asks for nothing":                   {text: "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: []}}\n", want: preview.Unchanged, why: "does not ask"},
		"opted out":                          {text: strings.Replace(pod, "annotations:", "annotations:\n    azure.keyvault.injector/inject: \"false\"", 1), want: preview.Unchanged},
		"namespace not opted in":             {text: pod + account + namespace, want: preview.Unchanged, why: "not opted in"},
		"pinned":                             {text: strings.Replace(pod, "DB-Password", "DB-Password@1", 1) + account, want: preview.Refused},
		"pinned, where nobody is asked":      {text: strings.Replace(pod, "DB-Password", "DB-Password@1", 1) + account + namespace, want: preview.Unchanged, why: "not opted in"},
		"pinned, and the account is missing": {text: strings.Replace(pod, "DB-Password", "DB-Password@1", 1), want: preview.Refused},
		"deleted":                            {text: strings.Replace(pod, "  name: web\n", "  name: web\n  deletionTimestamp: 2026-01-01T00:00:00Z\n", 1), want: preview.Unchanged, why: "deleted"},
		"static": {
			text: strings.Replace(pod, "annotations:", "annotations:\n    kubernetes.io/config.mirror: abc", 1), want: preview.Unchanged, why: "static",
		},
	} {
		t.Run(name, func(t *testing.T) {
			items := of(t, c.text, c.complete)
			if len(items) != 1 {
				t.Fatalf("%d items", len(items))
			}
			got := items[0]
			if got.Outcome != c.want || !strings.Contains(got.Why, c.why) {
				t.Errorf("got %v %q %v, want %v %q", got.Outcome, got.Why, got.Findings, c.want, c.why)
			}
			if (got.Outcome == preview.Refused) != (len(got.Findings) > 0) && c.why == "" {
				t.Errorf("findings: %v", got.Findings)
			}
			if got.Outcome != preview.Injected && !bytes.Equal(got.After, got.Object.JSON) {
				t.Error("changed anyway")
			}
		})
	}
}

// A preview is what there would be already: another one changes nothing.
func TestPreviewOfAPreview(t *testing.T) {
	pod := "apiVersion: v1\nkind: Pod" + strings.ReplaceAll(template, "\n    ", "\n") + "  name: web\n"
	first := of(t, pod+account, false)[0]
	again := of(t, string(first.After)+"\n"+account, false)[0]
	if again.Outcome != preview.Injected {
		t.Fatalf("%v %s", again.Outcome, again.Why)
	}
	if diff, err := again.Diff(); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestPaint(t *testing.T) {
	const diff = "--- a\n+++ b\n@@ -1,2 +1,2 @@\n same\n--- gone\n+++ come\n"
	if got := preview.Paint(diff, false); got != diff {
		t.Error(got)
	}
	want := "\x1b[1m--- a\x1b[m\n\x1b[1m+++ b\x1b[m\n\x1b[36m@@ -1,2 +1,2 @@\x1b[m\n same\n\x1b[31m--- gone\x1b[m\n\x1b[32m+++ come\x1b[m\n"
	if d := cmp.Diff(want, preview.Paint(diff, true)); d != "" {
		t.Error(d)
	}
}
