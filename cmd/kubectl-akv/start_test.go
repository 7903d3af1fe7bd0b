package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"akv-injector/inject"
	"akv-injector/inject/provider"
)

// run runs the program as main does.
func run(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = start(t.Context(), args, genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &out, ErrOut: &errOut})
	return code, out.String(), errOut.String()
}

// Wrong words end in one line that says what to write, and exit code 2.
func TestUsageErrors(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown command":   {[]string{"lnit"}, `error: unknown command "lnit" for "kubectl akv"`},
		"unknown flag":      {[]string{"lint", "--fialon=x"}, "error: unknown flag: --fialon; see: kubectl akv lint --help"},
		"no file":           {[]string{"lint"}, "error: name what to read: -f FILE, -f FOLDER, -f - for the standard input, -k FOLDER or --helm CHART"},
		"a file without -f": {[]string{"lint", "a.yaml"}, `error: "a.yaml": manifests are named by -f; write: kubectl akv lint -f a.yaml`},
		"format":            {[]string{"lint", "-f", "-", "-o", "sarf"}, `error: --output="sarf": write text, json, sarif, github, gitlab, junit; did you mean sarif?`},
		"severity":          {[]string{"lint", "-f", "-", "--fail-on", "info"}, `error: --fail-on="info": write error, warning, never`},
		"settings": {
			[]string{"lint", "-f", "-", "--tenant-id", "x y", "--cloud", "Azure", "--rotation-poll-interval", "2", "-n", "A"},
			`error: --namespace="A": `,
		},
		"unknown rule":    {[]string{"explain", "AKV01"}, `error: there is no rule "AKV01"; did you mean AKV001?`},
		"nothing like it": {[]string{"explain", "AKV001", "zzzzzzzzzzzz"}, `error: there is no rule "zzzzzzzzzzzz"; for all of them: kubectl akv explain`},
		"explain's format": {
			[]string{"explain", "-o", "yaml"},
			`error: --output="yaml": write text, json`,
		},
		"version with a word": {[]string{"version", "x"}, `error: unknown command "x" for "kubectl akv version"`},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, "", c.args...)
			if code != exitUnusable || stdout != "" {
				t.Errorf("exit code %d, output %q", code, stdout)
			}
			if !strings.HasPrefix(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("got  %s\nwant %s", stderr, c.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	code, stdout, _ := run(t, "", "version", "--client")
	if code != exitOK || stdout != "kubectl-akv "+version+"\n" {
		t.Errorf("%d %q", code, stdout)
	}
}

// Every command says what it is for and how it is called, under its name as a plugin.
func TestHelp(t *testing.T) {
	root := newRoot(genericiooptions.IOStreams{})
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		t.Run(cmd.Name(), func(t *testing.T) {
			code, stdout, _ := run(t, "", cmd.Name(), "--help")
			if code != exitOK || !strings.Contains(stdout, "Usage:\n  kubectl akv "+cmd.Name()) {
				t.Errorf("exit code %d\n%s", code, stdout)
			}
			if cmd.Short == "" || cmd.Long == "" {
				t.Error("not a word of help")
			}
			for line := range strings.Lines(cmd.Long) {
				if len([]rune(line)) > 96 {
					t.Errorf("a line of more than 95 characters: %s", line)
				}
			}
		})
	}
}

func TestExplain(t *testing.T) {
	_, all, _ := run(t, "", "explain")
	lines := strings.Split(strings.TrimSpace(all), "\n")
	if len(lines) != 1+len(inject.Rules()) {
		t.Errorf("%d lines for %d rules", len(lines), len(inject.Rules()))
	}
	code, one, _ := run(t, "", "explain", "akv001", "Pinned-Version")
	for _, want := range []string{"AKV001 subpath\n", "AKV004 pinned-version\n", inject.RuleByID("AKV001").Prevents, inject.RuleByID("AKV001").Evidence, inject.RuleByID("AKV001").Remedy} {
		if code != exitOK || !strings.Contains(one, want) {
			t.Errorf("exit code %d, %q is missing in\n%s", code, want, one)
		}
	}
	_, text, _ := run(t, "", "explain", "-o", "json")
	var rules []struct{ ID, Name, Summary, Prevents, Evidence, Remedy string }
	if err := json.Unmarshal([]byte(text), &rules); err != nil {
		t.Fatal(err)
	}
	for i, r := range inject.Rules() {
		if i >= len(rules) || rules[i].ID != r.ID || rules[i].Name != r.Name || rules[i].Summary != r.Summary || rules[i].Prevents != r.Prevents ||
			rules[i].Evidence != r.Evidence || rules[i].Remedy != r.Remedy {
			t.Errorf("%s is not, or otherwise, in %s", r.ID, text)
		}
	}
}

// A shell completes rules, formats and files.
func TestCompletion(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"rules":      {[]string{"explain", "AKV00"}, []string{"AKV001\tsubpath", "AKV004\tpinned-version"}},
		"formats":    {[]string{"lint", "-o", ""}, []string{"text", "json", "sarif"}},
		"status's":   {[]string{"status", "-o", ""}, []string{"wide", "json", "yaml"}},
		"severities": {[]string{"lint", "--fail-on", ""}, []string{"error", "warning", "never"}},
		"clouds":     {[]string{"lint", "--cloud", ""}, clouds},
		"commands":   {[]string{"l"}, []string{"lint\tFind in manifests what keeps secrets from rotating"}},
		"files":      {[]string{"lint", "-f", ""}, []string{"yaml", "yml", "json"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, stdout, _ := run(t, "", append([]string{"__complete"}, c.args...)...)
			got := strings.Split(stdout, "\n")
			for _, want := range c.want {
				if !slices.Contains(got, want) {
					t.Errorf("%q is not among\n%s", want, stdout)
				}
			}
		})
	}
	_, stdout, _ := run(t, "", "__complete", "explain", "AKV001", "")
	if strings.Contains(stdout, "AKV001") {
		t.Errorf("a rule that is named already is offered again:\n%s", stdout)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, stdout, _ := run(t, "", "completion", shell); code != exitOK || len(stdout) < 1000 {
			t.Errorf("%s: exit code %d\n%s", shell, code, stdout)
		}
	}
}

// Each cloud that completion offers is one.
func TestClouds(t *testing.T) {
	for _, cloud := range clouds {
		if problem := provider.CloudProblem(cloud); problem.Found() {
			t.Errorf("%s: %s", cloud, problem)
		}
	}
}

const (
	safePod     = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {}\n"
	unsafePod   = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    azure.keyvault.injector/objects: DB-Password@1\n    azure.keyvault.injector/vault: shop-kv\nspec:\n  containers: [{name: web}]\n"
	warnedPod   = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    volumeMounts: [{name: s, mountPath: /s}]\n  volumes:\n  - {name: s, csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: c}}}\n"
	allowingPod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    azure.keyvault.injector/allow: AKV001\nspec: {}\n"
)

func TestLintExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		stdin string
		args  []string
		code  int
		want  string // in the output
	}{
		"nothing wrong":            {safePod, nil, exitOK, "0 errors, 0 warnings: 1 of 1 object in 1 file checked\n"},
		"an error":                 {unsafePod, nil, exitFindings, "stdin:6: error AKV004 pinned-version Pod/web: metadata.annotations[azure.keyvault.injector/objects]: "},
		"an error, of no weight":   {unsafePod, []string{"--fail-on", "never"}, exitOK, "1 error"},
		"a warning":                {warnedPod, nil, exitOK, "stdin:7: warning AKV003"},
		"a warning, of weight":     {warnedPod, []string{"--fail-on=warning"}, exitFindings, "0 errors, 1 warning"},
		"another kind":             {"apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", nil, exitOK, "0 of 1 object in 1 file checked; of other kinds: 1 Service\n"},
		"a version long gone":      {"apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\n", nil, exitOK, "of other kinds: 1 extensions/v1beta1 Deployment\n"},
		"nothing but ends":         {"---\n...\n---\n" + safePod + "...\n---\n", nil, exitOK, "1 of 1 object in 1 file checked\n"},
		"nothing":                  {"", nil, exitUnusable, "nothing to check: there is no Kubernetes object in the input\n"},
		"no manifest":              {"replicas: 2\n", nil, exitUnusable, "stdin:1: passed over: not a Kubernetes object"},
		"broken beside an error":   {unsafePod + "---\na: [\n", []string{"--fail-on", "never"}, exitUnusable, "stdin:6: error AKV004"},
		"broken beside good":       {safePod + "---\na: [\n", nil, exitUnusable, "stdin:6: not YAML"},
		"waivers are switched off": {allowingPod, []string{"--forbid-allow"}, exitFindings, "stdin:6: error annotations Pod/web"},
		"waivers are not":          {allowingPod, nil, exitOK, ""},
		"the server's interval": {
			strings.Replace(unsafePod, "@1", "", 1), []string{"--rotation-poll-interval", "10s", "--tenant-id", "11111111-1111-1111-1111-111111111111"}, exitOK, "",
		},
		"all there is": {strings.Replace(unsafePod, "@1", "", 1), []string{"--complete"}, exitFindings, "AKV012"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, c.stdin, append([]string{"lint", "-f", "-"}, c.args...)...)
			if code != c.code || !strings.Contains(stdout+stderr, c.want) {
				t.Errorf("exit code %d, want %d, and %q in\n%s%s", code, c.code, c.want, stdout, stderr)
			}
		})
	}
}

// Machines get nothing but their format on the standard output, whatever is wrong.
func TestLintJSON(t *testing.T) {
	code, stdout, stderr := run(t, unsafePod+"---\na: [\n", "lint", "-f", "-", "-n", "shop", "-o", "json")
	var got []map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{
		"file": "stdin", "line": 6.0, "kind": "Pod", "namespace": "shop", "name": "web", "rule": "AKV004", "severity": "error",
		"field":   "metadata.annotations[azure.keyvault.injector/objects]",
		"message": `The secret "DB-Password" is pinned to one version; a rotated one never arrives.`,
		"fix":     "Write DB-Password without a version.",
	}}
	if diff := cmp.Diff(want, got); diff != "" || code != exitUnusable || !strings.Contains(stderr, "not YAML") {
		t.Errorf("exit code %d\n%s\n%s", code, diff, stderr)
	}
	if _, stdout, _ := run(t, safePod, "lint", "-f", "-", "-o", "json"); stdout != "[]\n" {
		t.Errorf("no findings are %q", stdout)
	}
}

// The examples are what their READMEs say, with the names that a reader would put in.
func TestLintExamples(t *testing.T) {
	const examples = "../../examples"
	values := strings.NewReplacer("${VAULT}", "payments-kv", "${CLIENT_ID}", "5d2f4c8e-0b1a-4c3d-9e6f-7a8b9c0d1e2f", "${TENANT_ID}", "72f988bf-86f1-41af-91ab-2d7cd011db47")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(examples)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.yaml"))
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(values.Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for folder, want := range map[string][]string{
		"aks/by-hand":  nil,
		"aks/injected": nil,
		"shop": {
			"shop/pinned.yaml:8: error AKV004 pinned-version Pod/pinned",
			"shop/subpath.yaml:17: error AKV001 subpath Pod/subpath",
		},
	} {
		t.Run(folder, func(t *testing.T) {
			code, stdout, stderr := run(t, "", "lint", "-f", folder)
			var got []string
			for line := range strings.Lines(stdout) {
				if !strings.HasPrefix(line, " ") {
					got = append(got, strings.Join(strings.SplitN(line, ": ", 3)[:2], ": "))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s\n%s%s", diff, stdout, stderr)
			}
			if (code == exitOK) != (want == nil) {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
