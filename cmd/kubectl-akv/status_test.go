package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"akv-injector/internal/cli/status"
)

// runStatus runs status against the cluster and the vaults of the files.
func runStatus(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	_, config := clusterOfStatus(t)
	return run(t, "", append([]string{"status", "--kubeconfig", config}, args...)...)
}

// With files of what the cluster and the vaults say, each format prints what a file has.
// go test -update writes them anew.
func TestStatusFormats(t *testing.T) {
	const folder = "testdata/status/want"
	cases := map[string][]string{
		"table.txt":    nil,
		"selector.txt": {"-l", "app=web"},
		"names.txt":    {"legacy", "pod/batch"},
		"all.txt":      {"-A"},
		"wide.txt":     {"-o", "wide"},
		"headers.txt":  {"--no-headers"},
		"no-vault.txt": {"--no-vault"},
		"json.json":    {"-o", "json"},
		"yaml.yaml":    {"-o", "yaml", "-l", "app=batch"},
		"objects.txt":  {"-A", "--by-object"},
		"objects.json": {"--by-object", "-o", "json", "-l", "app=web"},
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := cases[f.Name()]; !ok {
			t.Errorf("%s is of no case", f.Name())
		}
	}
	for name, args := range cases {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runStatus(t, args...)
			if code != exitOK {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			golden := filepath.Join(folder, name)
			got := stdout
			if stderr != "" {
				got += "--- standard error\n" + stderr
			}
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestStatusExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"stale":                        {nil, exitOK, "stale", "note: vault shared-kv"},
		"stale, and it matters":        {[]string{"--fail-on-stale"}, exitFindings, "stale", ""},
		"current":                      {[]string{"web-6f7c9d5b8-hk2vm", "--fail-on-stale"}, exitOK, "current", ""},
		"empty, and it matters":        {[]string{"batch", "--fail-on-stale"}, exitFindings, "empty", "note: vault shared-kv"},
		"a pod that is not there":      {[]string{"web"}, exitUnusable, "", "error: reading pod web: "},
		"beside one that is":           {[]string{"web", "batch", "--no-vault"}, exitUnusable, "batch", "error: reading pod web: "},
		"a pod without secrets":        {[]string{"plain"}, exitUnusable, "", "error: pod shop/plain has no volume of the secrets store"},
		"nothing there":                {[]string{"-n", "other"}, exitOK, "", "No pods with volumes of the secrets store found in other namespace.\n"},
		"nothing there, for a program": {[]string{"-n", "other", "-o", "json"}, exitOK, "{\n  \"items\": []\n}\n", ""},
		"nothing anywhere":             {[]string{"-A", "-l", "app=none"}, exitOK, "", "No pods with volumes of the secrets store found in any namespace.\n"},
		"format":                       {[]string{"-o", "widee"}, exitUnusable, "", `error: --output="widee": write wide, json, yaml; did you mean wide?`},
		"selector":                     {[]string{"-l", "a=b=c"}, exitUnusable, "", `error: --selector="a=b=c": `},
		"names everywhere":             {[]string{"web", "-A"}, exitUnusable, "", "give names, or --all-namespaces"},
		"names and labels":             {[]string{"web", "-l", "app=web"}, exitUnusable, "", "give names of pods, or --selector"},
		"another kind":                 {[]string{"deploy/web"}, exitUnusable, "", `"deploy/web": status looks at pods, not at deploy`},
		"no vault, and it matters":     {[]string{"--no-vault", "--fail-on-stale"}, exitUnusable, "", "--no-vault does not ask"},
		"watched, by objects":          {[]string{"-w", "--by-object"}, exitUnusable, "", "--by-object does not go with --watch"},
		"watched, and it matters":      {[]string{"-w", "--fail-on-stale"}, exitUnusable, "", "--watch does not end by itself"},
		"times":                        {[]string{"--vault-timeout", "0s", "--watch-interval", "10ms"}, exitUnusable, "", "--vault-timeout=0s: write more than 0, such as 10s; --watch-interval=10ms: write at least 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runStatus(t, c.args...)
			if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, c.code, stdout, stderr)
			}
			if c.stdout == "" && stdout != "" {
				t.Errorf("output: %s", stdout)
			}
			if c.code == exitUnusable && strings.Count(stderr, "\n") != 1 {
				t.Errorf("not one line: %s", stderr)
			}
		})
	}
}

// What nobody could tell is no success where it matters.
func TestStatusUntold(t *testing.T) {
	server, config := clusterOfStatus(t)
	server.Forbid("secretproviderclasses")
	code, stdout, stderr := run(t, "", "status", "--kubeconfig", config, "-l", "app=web", "--fail-on-stale")
	if code != exitUnusable || !strings.Contains(stdout, "9b1f6d0e") || !strings.Contains(stderr, "may not list secretproviderclasses") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	server.Forbid("secretproviderclasspodstatuses")
	code, stdout, stderr = run(t, "", "status", "--kubeconfig", config)
	if code != exitUnusable || stdout != "" || !strings.Contains(stderr, "error: you may not list secretproviderclasspodstatuses") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}

// Every name of the JSON form is in the document.
func TestStatusJSONIsDocumented(t *testing.T) {
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	_, stdout, _ := runStatus(t, "-o", "json")
	var report any
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	var names []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				names = append(names, key)
				walk(value)
			}
		case []any:
			for _, each := range v {
				walk(each)
			}
		}
	}
	walk(report)
	source, err := os.ReadFile(filepath.Join(root, "internal/cli/status/item.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:Code|Status)\s+= "(\w+)"|json:"(\w+)`).FindAllStringSubmatch(string(source), -1) {
		names = append(names, m[1]+m[2])
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 30 {
		t.Fatalf("only %d names", len(names))
	}
	for _, name := range names {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("%s has no `%s`", doc, name)
		}
	}
}

// A watch prints everything once, and then what changes, be it a row or a document.
func TestStatusWatch(t *testing.T) {
	minute := func(n int) func() time.Time {
		return func() time.Time { return time.Date(2026, 3, 1, 12, n, 0, 0, time.UTC) }
	}
	created := minute(0)()
	item := func(pod string, s status.Status, version string) status.Item {
		return status.Item{
			Namespace: "shop", Pod: pod, Volume: "store", Vault: "kv", Object: "secret/a", Status: s,
			Mounted: &status.Version{Version: version, Created: &created}, Newest: &status.Version{Version: "v2", Created: &created},
		}
	}
	for format, check := range map[string]func(t *testing.T, out string){
		"": func(t *testing.T, out string) {
			t.Helper()
			want := "POD   VAULT   OBJECT     MOUNTED   AGE   NEWEST   NEWEST-AGE   STATUS    REASON\n" +
				"a     kv      secret/a   v1        60s   v2       60s          stale     <none>\n" +
				"b     kv      secret/a   v2        60s   v2       60s          current   <none>\n" +
				"a     kv      secret/a   v2        2m    v2       2m           current   <none>\n"
			if diff := cmp.Diff(want, out); diff != "" {
				t.Error(diff)
			}
		},
		"yaml": func(t *testing.T, out string) {
			t.Helper()
			wantItems(t, out, item("a", status.Stale, "v1"), item("b", status.Current, "v2"), item("a", status.Current, "v2"))
		},
	} {
		t.Run(format, func(t *testing.T) {
			var out, errOut bytes.Buffer
			p := &statusPrinter{out: &out, format: format, now: minute(1)}
			w := &statusWatch{printer: p, errOut: &errOut}
			for _, report := range []*status.Report{
				{Items: []status.Item{item("a", status.Stale, "v1"), item("b", status.Current, "v2")}, Notes: []string{"a note"}},
				{Items: []status.Item{item("a", status.Stale, "v1"), item("b", status.Current, "v2")}, Notes: []string{"a note"}},
				{Items: []status.Item{item("a", status.Current, "v2")}},
			} {
				if report.Notes == nil {
					p.now = minute(2)
				}
				if err := w.report(report); err != nil {
					t.Fatal(err)
				}
			}
			if errOut.String() != "note: a note\n" {
				t.Errorf("told: %q", &errOut)
			}
			check(t, out.String())
		})
	}
}

// wantItems wants the items, a YAML document each.
func wantItems(t *testing.T, documents string, want ...status.Item) {
	t.Helper()
	var got []status.Item
	for d := range strings.SplitSeq(documents, "---\n") {
		var i status.Item
		if err := yaml.UnmarshalStrict([]byte(d), &i); err != nil {
			t.Error(err)
		}
		got = append(got, i)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// Ctrl-C ends a watch without an error.
func TestStatusWatchEnds(t *testing.T) {
	_, config := clusterOfStatus(t)
	ctx, stop := context.WithCancel(t.Context())
	var out, errOut bytes.Buffer
	code := start(ctx, []string{"status", "--kubeconfig", config, "-w"}, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stopper{&out, stop}, ErrOut: &errOut})
	if code != exitOK || !strings.Contains(out.String(), "web-6f7c9d5b8-x2x7k") {
		t.Errorf("exit code %d\n%s\n%s", code, &out, &errOut)
	}
}

// stopper ends the program when it has printed something.
type stopper struct {
	*bytes.Buffer
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	s.stop()
	return s.Buffer.Write(p)
}
