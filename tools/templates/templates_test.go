// Package templates checks what kubectl akv setup writes for other tools with the grammars and types of these tools. It is a module of
// its own, since those need other versions of the Kubernetes libraries.
package templates

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	subscription = "22222222-2222-2222-2222-222222222222"
	known        = "11111111-1111-1111-1111-111111111111"
)

// of is a workload with its account, which may stand for an identity that is there.
func of(namespace, name, client, vault, objects string) string {
	annotations := ""
	if client != "" {
		annotations = ", annotations: {azure.workload.identity/client-id: " + client + "}"
	}
	return fmt.Sprintf(`---
apiVersion: v1
kind: ServiceAccount
metadata: {name: %[2]s, namespace: %[1]s%[3]s}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata:
      labels: {app: %[2]s}
      annotations: {azure.keyvault.injector/vault: %[4]s, azure.keyvault.injector/objects: "%[5]s"}
    spec:
      serviceAccountName: %[2]s
      containers: [{name: a, image: a}]
`, namespace, name, annotations, vault, objects)
}

var cases = map[string]struct {
	manifests string
	args      []string
}{
	"one":     {manifests: of("shop", "web", "", "shop-kv", "DB-Password, key/signing, cert/tls")},
	"a vault": {manifests: of("shop", "web", "", "shop-kv", "DB-Password"), args: []string{"--scope", "vault", "--addon-poll-interval", "30s"}},
	"bound":   {manifests: of("shop", "web", "", "shop-kv", "DB-Password"), args: []string{"--identity-mode", "binding", "--context", "admin"}},
	"one identity for three": {
		manifests: of("shop", "web", "", "shop-kv", "a") + of("shop", "api", "", "shop-kv", "a") + of("pay", "web", "", "pay-kv", "b"),
		args:      []string{"--identity", "all", "--identity-resource-group", "identities", "--vault-resource-group", "vaults", "--vault-resource-group", "pay-kv=pay"},
	},
	"identities that are there, and not": {
		manifests: of("shop", "web", known, "shop-kv", "a") + of("shop", "api", known, "pay-kv", "a") + of("pay", "web", "", "pay-kv", "b"),
		args:      []string{"--managed-identity", known + "=ids/web"},
	},
	"long names": {manifests: of(strings.Repeat("n", 63), strings.Repeat("w", 63), "", "a23456789012345678901234", strings.Repeat("o", 127))},
}

var plugin string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "templates")
	if err != nil {
		panic(err)
	}
	plugin = filepath.Join(dir, "kubectl-akv")
	build := exec.Command("go", "build", "-o", plugin, "./cmd/kubectl-akv")
	build.Dir, build.Stderr = "../..", os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// each gives what setup writes in a format to check, for each case.
func each(t *testing.T, format string, check func(t *testing.T, text string)) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "all.yaml")
			if err := os.WriteFile(file, []byte(c.manifests), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"setup", "-f", file, "-g", "shop-rg", "--cluster-name", "shop", "-o", format}, c.args...)
			if format == "aso" {
				args = append(args, "--subscription", subscription, "--location", "westeurope", "--issuer", "https://issuer.example/1/")
			}
			command := exec.Command(plugin, args...)
			var stderr strings.Builder
			command.Stderr = &stderr
			out, err := command.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, &stderr)
			}
			check(t, string(out))
			if t.Failed() {
				t.Logf("%s", out)
			}
		})
	}
}
