package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	yaml "go.yaml.in/yaml/v3"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

var update = flag.Bool("update", false, "write the outputs in docs/kubectl-akv.md and README.md")

// asProgram makes the test's own binary the program, for shells to call.
const asProgram = "AKV_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	vaults := os.Getenv(vaultsVariable)
	if vaults == "" {
		vaults = vaultsFile
	}
	if err := standInForAzure(vaults); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUnusable)
	}
	if os.Getenv(asProgram) != "" {
		os.Exit(start(context.Background(), os.Args[1:], genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
	}
	os.Exit(m.Run())
}

const (
	root = "../.."
	doc  = root + "/docs/kubectl-akv.md"
)

// shell runs commands in a folder, with kubectl-akv and a kubectl that knows this plugin.
func shell(t *testing.T, dir string) func(script string, args ...string) (output string, code int) {
	t.Helper()
	bin := t.TempDir()
	vaults, err := filepath.Abs(vaultsFile)
	if err != nil {
		t.Fatal(err)
	}
	_, kubeconfig := clusterOfStatus(t)
	for name, script := range map[string]string{
		"kubectl-akv": fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\"\n", os.Args[0]),
		"kubectl":     "#!/bin/sh\n[ \"$1\" = akv ] || exit 127\nshift\nexec kubectl-akv \"$@\"\n",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return func(script string, args ...string) (string, int) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", script}, args...)...)
		cmd.Dir = dir
		// For the whole shell: the test's own binary must never run the tests again.
		cmd.Env = append(os.Environ(), asProgram+"=1", vaultsVariable+"="+vaults, "KUBECONFIG="+kubeconfig, "PATH="+bin+":"+os.Getenv("PATH"))
		output, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(output), cmd.ProcessState.ExitCode()
	}
}

var console = regexp.MustCompile("(?s)```console\n\\$ ([^\n]+)\n(.*?)```\n")

// What the documents show is what the program prints.
func TestDocOutputs(t *testing.T) {
	for document, commands := range map[string][]string{
		doc:                 {"lint", "preview", "convert", "uses", "budget", "status", "explain"},
		root + "/README.md": {"lint", "preview"},
	} {
		t.Run(filepath.Base(document), func(t *testing.T) { checkOutputs(t, document, commands) })
	}
}

// fromSource is how a reader runs the program who has not installed it.
const fromSource = "go run ./cmd/kubectl-akv "

func checkOutputs(t *testing.T, document string, commands []string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	run := shell(t, root)
	shown := map[string]bool{}
	now := console.ReplaceAllStringFunc(string(text), func(block string) string {
		command := console.FindStringSubmatch(block)[1]
		script := command
		if arguments, ok := strings.CutPrefix(command, fromSource); ok {
			script = "kubectl akv " + arguments
		}
		shown[strings.Fields(script)[2]] = true
		output, _ := run(script)
		return "```console\n$ " + command + "\n" + output + "```\n"
	})
	for _, cmd := range commands {
		if !shown[cmd] {
			t.Errorf("the document has no example of %s", cmd)
		}
	}
	if *update {
		if err := os.WriteFile(document, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), now); diff != "" {
		t.Errorf("update with: go test ./cmd/kubectl-akv -run TestDocOutputs -update (-document +program)\n%s", diff)
	}
}

// snippets are the document's YAML blocks.
func snippet(t *testing.T, key string, into any) {
	t.Helper()
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
		var keys map[string]any
		if err := yaml.Unmarshal(m[1], &keys); err != nil {
			t.Fatal(err)
		}
		if _, ok := keys[key]; ok {
			if err := yaml.Unmarshal(m[1], into); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no snippet has the key %s", key)
}

// repository is one of a reader: the example's manifests in deploy/.
func repository(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "deploy"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(root, "examples/shop", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "deploy", file), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var (
	fine   = []string{"deployment.yaml", "pod.yaml", "serviceaccount.yaml"}
	faulty = append([]string{"subpath.yaml"}, fine...)
)

// The steps of the workflow do what they are for, in a repository without errors and in
// one with an error. SARIF is there to be uploaded in both.
func TestGitHubActionsSnippet(t *testing.T) {
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Run, Uses string }
		}
	}
	snippet(t, "jobs", &workflow)
	var lint string
	for _, step := range workflow.Jobs["lint"].Steps {
		switch step.Run {
		case "":
		case "go install ./cmd/kubectl-akv":
			if _, err := os.Stat(filepath.Join(root, "cmd/kubectl-akv")); err != nil {
				t.Error(err)
			}
		default:
			lint = step.Run
		}
	}
	for name, c := range map[string]struct {
		files []string
		code  int
	}{"fine": {fine, 0}, "faulty": {faulty, 1}} {
		t.Run(name, func(t *testing.T) {
			dir := repository(t, c.files...)
			output, code := shell(t, dir)(lint)
			if code != c.code {
				t.Errorf("exit code %d, want %d:\n%s", code, c.code, output)
			}
			var sarif struct {
				Version string
				Runs    []struct{ Results []any }
			}
			text, err := os.ReadFile(filepath.Join(dir, "akv.sarif"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &sarif); err != nil {
				t.Fatal(err)
			}
			if sarif.Version != "2.1.0" || len(sarif.Runs) != 1 || (len(sarif.Runs[0].Results) > 0) != (c.code > 0) {
				t.Errorf("%s", text)
			}
		})
	}
}

// The hook takes the names of the changed files, however they are spelt.
func TestPreCommitSnippet(t *testing.T) {
	var config struct {
		Repos []struct {
			Hooks []struct{ Entry, Files string }
		}
	}
	snippet(t, "repos", &config)
	hook := config.Repos[0].Hooks[0]
	dir := repository(t, faulty...)
	if err := os.Rename(filepath.Join(dir, "deploy/pod.yaml"), filepath.Join(dir, "deploy/a pod.yaml")); err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile(hook.Files)
	for _, file := range []string{"deploy/a pod.yaml", "deploy/x/y.yml", "deploy/z.json"} {
		if !changed.MatchString(file) {
			t.Error(file, "is not linted")
		}
	}
	run := shell(t, dir)
	for name, c := range map[string]struct {
		files string
		code  int
		want  string
	}{
		"fine":   {`'deploy/a pod.yaml' deploy/deployment.yaml`, 0, "2 of 2 objects in 2 files checked"},
		"faulty": {`deploy/deployment.yaml deploy/subpath.yaml`, 1, "AKV001"},
	} {
		t.Run(name, func(t *testing.T) {
			output, code := run(hook.Entry + " " + c.files)
			if code != c.code || !strings.Contains(output, c.want) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, c.code, c.want, output)
			}
		})
	}
}

// kubectl completes the plugin by the script that completion prints.
func TestKubectlCompletion(t *testing.T) {
	run := shell(t, t.TempDir())
	output, code := run("kubectl akv completion kubectl > complete && chmod +x complete && ./complete con")
	if code != 0 || !strings.Contains(output, "convert\t") {
		t.Errorf("exit code %d: %s", code, output)
	}
}
