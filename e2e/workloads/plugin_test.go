package workloads_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/inject/annotation"
)

// wantPlugin runs kubectl akv as users do: by a kubectl that finds the plugin, and what
// completes it, on PATH.
func wantPlugin(t *testing.T, c *cluster.Cluster, namespace string) {
	t.Helper()
	program, err := build.Product(t.Context(), t.Output(), "./cmd/kubectl-akv")
	if err != nil {
		t.Fatal(err)
	}
	onPath := t.TempDir()
	for name, target := range map[string]string{"kubectl": c.Kubectl, "kubectl-akv": program} {
		if err := os.Symlink(target, filepath.Join(onPath, name)); err != nil {
			t.Fatal(err)
		}
	}
	run := func(stdin string, args ...string) (stdout, stderr string, code int) {
		t.Helper()
		cmd := c.KubectlCommand(t.Context(), args...)
		cmd.Env = append(cmd.Env, "PATH="+onPath+string(filepath.ListSeparator)+os.Getenv("PATH"))
		var out, complaint bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaint
		var exit *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return out.String(), complaint.String(), cmd.ProcessState.ExitCode()
	}

	if out, complaint, code := run("", "plugin", "list"); code != 0 || !strings.Contains(out, "kubectl-akv") {
		t.Errorf("kubectl plugin list ends with %d: %s%s", code, out, complaint)
	}
	script, complaint, code := run("", "akv", "completion", "kubectl")
	if code != 0 {
		t.Fatalf("kubectl akv completion kubectl ends with %d: %s", code, complaint)
	}
	if err := os.WriteFile(filepath.Join(onPath, "kubectl_complete-akv"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string][]string{
		"akv ":               {"convert", "explain", "lint", "preview", "version"},
		"akv explain AKV00":  {"AKV001", "AKV009"},
		"akv lint --output ": {"json", "sarif", "text"},
	} {
		// What kubectl's completion of every shell runs.
		out, complaint, code := run("", append([]string{"__complete"}, strings.Split(typed, " ")...)...)
		var offered []string
		for line := range strings.Lines(out) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			offered = append(offered, word)
		}
		for _, word := range want {
			if !slices.Contains(offered, word) {
				t.Errorf("kubectl %s<TAB> offers no %s (it ends with %d): %s%s", typed, word, code, out, complaint)
			}
		}
	}

	out, complaint, code := run(asking("web"), "akv", "preview", "--live", "-n", namespace, "-f", "-")
	if code != 0 || !strings.Contains(out, "secretProviderClass: akv-payments-kv-") {
		t.Errorf("kubectl akv preview ends with %d: %s%s", code, out, complaint)
	}
	if strings.Contains(out, "\x1b[") {
		t.Errorf("it is coloured, and goes to no terminal: %q", out)
	}
	unsafe := workload("apps/v1", "Deployment", "unsafe", "none", "db", "subPath: DB-Password", "")
	out, complaint, code = run(unsafe, "akv", "lint", "-f", "-")
	if code != 1 || !strings.Contains(out, "AKV001") {
		t.Errorf("kubectl akv lint of a subPath ends with %d, want 1: %s%s", code, out, complaint)
	}
	if out, complaint, code = run("", "akv", "lint", "-f", "missing.yaml"); code != 2 || !strings.Contains(complaint, "missing.yaml") {
		t.Errorf("kubectl akv lint of a file that is not there ends with %d, want 2: %s%s", code, out, complaint)
	}
	// What runs there already, in a namespace that has not opted in.
	mustKubectl(t, c, unsafe, "apply", "-n", "default", "-f", "-")
	for _, format := range []struct{ name, says string }{{"text", "Deployment/unsafe"}, {"policyreport", "policy: AKV001"}} {
		out, complaint, code = run("", "akv", "audit", "-A", "-o", format.name)
		if code != 1 || !strings.Contains(out, "AKV001") || !strings.Contains(out, format.says) {
			t.Errorf("kubectl akv audit -A -o %s ends with %d, want 1: %s%s", format.name, code, out, complaint)
		}
	}
	if out, complaint, code = run("", "akv", "audit", "-n", namespace); code != 0 || strings.Contains(out, "unsafe") {
		t.Errorf("kubectl akv audit of the namespace ends with %d, want 0: %s%s", code, out, complaint)
	}
	// The cluster's own word, where it opted in and where not.
	if out, _, code = run(asking("web"), "akv", "preview", "--live", "-n", "default", "-f", "-"); code != 0 ||
		!strings.Contains(out, "kubectl label namespace default "+annotation.LabelInjection+"="+annotation.InjectionEnabled) {
		t.Errorf("in a namespace that has not opted in, kubectl akv preview ends with %d: %s", code, out)
	}
}
