package doctor_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNoAnswer: without a cluster, a login or the context that was named, each command says so in one line, within its own timeouts, and ends with 2.
func TestNoAnswer(t *testing.T) {
	b := whole(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: new, namespace: shop, annotations: {azure.keyvault.injector/objects: DB-Password}}\nspec: {containers: [{name: a, image: a}]}\n")
	kubeconfig := func(server, token string) string {
		config := map[string]any{
			"apiVersion": "v1", "kind": "Config", "current-context": "a",
			"contexts": []any{map[string]any{"name": "a", "context": map[string]any{"cluster": "a", "user": "a"}}},
			"clusters": []any{map[string]any{"name": "a", "cluster": map[string]any{"server": server, "insecure-skip-tls-verify": true}}},
			"users":    []any{map[string]any{"name": "a", "user": map[string]any{"token": token}}},
		}
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for circumstance, c := range map[string]struct {
		kubeconfig string
		args       []string
		says       []string
	}{
		"nothing listens":    {kubeconfig: write("dead", kubeconfig("https://127.0.0.1:1", "x")), says: []string{"refused"}},
		"an expired login":   {kubeconfig: write("expired", kubeconfig(b.Config.Host, "expired")), says: []string{"log in", "Unauthorized", "logged in"}},
		"another context":    {kubeconfig: write("contexts", kubeconfig(b.Config.Host, "x")), args: []string{"--context", "nope"}, says: []string{"nope"}},
		"no such kubeconfig": {kubeconfig: filepath.Join(dir, "none"), says: []string{"refused", "no such file", "no configuration"}},
		"a broken one":       {kubeconfig: write("broken", "{{{"), says: []string{"broken"}},
	} {
		for _, command := range append(commands, "setup -g g --cluster-name c -n shop", "setup -g g --cluster-name c -n shop --apply --yes") {
			if command == "version" {
				continue // it says its own, and that the server's is not known
			}
			t.Run(circumstance+"/"+command, func(t *testing.T) {
				t.Parallel()
				cmd := exec.CommandContext(t.Context(), b.program, append(strings.Fields(command), c.args...)...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
				var stdout, stderr strings.Builder
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				began := time.Now()
				_ = cmd.Run() // the exit code says it
				said := false
				for _, words := range c.says {
					said = said || strings.Contains(stderr.String(), words)
				}
				if code := cmd.ProcessState.ExitCode(); code != 2 || !said || strings.Count(stderr.String(), "\n") != 1 || stdout.Len() > 0 {
					t.Errorf("exit code %d, %q on the standard output, and says\n%s", code, &stdout, &stderr)
				}
				if took := time.Since(began); took > 40*time.Second {
					t.Errorf("it takes %s", took)
				}
			})
		}
	}
}
