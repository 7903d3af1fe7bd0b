package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/internal/cli/manifest"
)

const (
	askingPod = `apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    azure.keyvault.injector/vault: shop-kv
    azure.keyvault.injector/objects: DB-Password
    azure.keyvault.injector/objects.shared-kv: key/signing
    azure.keyvault.injector/service-account: shop-sa
spec:
  containers: [{name: web, image: busybox}]
`
	shopAccount = `---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: shop-sa
  annotations:
    azure.workload.identity/client-id: 11111111-2222-3333-4444-555555555555
    azure.workload.identity/tenant-id: aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
`
)

func TestPreviewExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		stdin  string
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"injected":             {askingPod + shopAccount, nil, exitOK, "+    name: akv-shop-kv\n", ""},
		"refused":              {unsafePod, nil, exitFindings, "Pod default/web (stdin:1): it would be refused\nstdin:6: error AKV004", ""},
		"refused, as YAML":     {unsafePod, []string{"-o", "yaml"}, exitFindings, "", "it would be refused\nstdin:6: error AKV004"},
		"without account":      {askingPod, nil, exitUnusable, "not known: the ServiceAccount default/shop-sa is not among the files", ""},
		"in another namespace": {askingPod, []string{"-n", "shop"}, exitUnusable, "ServiceAccount shop/shop-sa", ""},
		"no account there is":  {askingPod, []string{"--complete"}, exitFindings, "AKV012", ""},
		"asks for nothing":     {safePod, nil, exitOK, "Pod default/web (stdin:1): unchanged: it does not ask\n", ""},
		"waivers forbidden":    {allowingPod, []string{"--forbid-allow"}, exitFindings, "--forbid-allow", ""},
		"no workload":          {shopAccount, nil, exitOK, "", "nothing to preview: there is no Pod or workload"},
		"nothing":              {"", nil, exitUnusable, "", "nothing to preview: there is no Kubernetes object"},
		"broken beside good":   {askingPod + shopAccount + "---\na: [\n", nil, exitUnusable, "+    name: akv-shop-kv\n", "stdin:"},
		"format":               {"", []string{"-o", "yml"}, exitUnusable, "", `error: --output="yml"`},
		"live and complete":    {"", []string{"--live", "--complete"}, exitUnusable, "", "give one of the two"},
		"live without cluster": {askingPod, []string{"--live", "--kubeconfig", "/nonexistent"}, exitUnusable, "", "error: "},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, c.stdin, append([]string{"preview", "-f", "-"}, c.args...)...)
			if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, c.code, stdout, stderr)
			}
			if strings.Contains(stdout, "\x1b") {
				t.Error("colours, and no terminal")
			}
			if c.stdout == "" && stdout != "" {
				t.Errorf("output: %s", stdout)
			}
		})
	}
}

// Every format holds the same objects: the classes, and then what mounts them.
func TestPreviewFormats(t *testing.T) {
	var kinds [][]string
	for _, format := range []string{"yaml", "json"} {
		code, stdout, stderr := run(t, askingPod+shopAccount, "preview", "-f", "-", "-o", format)
		if code != exitOK || strings.Contains(stderr, "error") {
			t.Fatal(code, stderr)
		}
		set := manifest.Source{Paths: []string{manifest.Stdin}, Stdin: strings.NewReader(stdout)}.Read()
		if len(set.Problems) > 0 {
			t.Fatal(set.Problems)
		}
		var got []string
		for _, o := range set.Objects {
			got = append(got, o.Kind)
		}
		kinds = append(kinds, got)
	}
	want := []string{"SecretProviderClass", "SecretProviderClass", "Pod"}
	if diff := cmp.Diff([][]string{want, want}, kinds); diff != "" {
		t.Error(diff)
	}
	_, names, _ := run(t, askingPod+shopAccount, "preview", "-f", "-", "-o", "name")
	lines := strings.Split(strings.TrimSpace(names), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "secretproviderclass.secrets-store.csi.x-k8s.io/akv-") || lines[2] != "pod/web" {
		t.Error(names)
	}
}

// --live finds the cluster by the kubeconfig, and the namespace of its context.
func TestPreviewLive(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Method != http.MethodGet:
			t.Errorf("not a read: %s %s", r.Method, r.URL)
		case r.URL.Path == "/api/v1/namespaces/team/serviceaccounts/shop-sa":
			_, _ = w.Write([]byte(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"shop-sa","annotations":{"azure.workload.identity/client-id":"99999999-2222-3333-4444-555555555555","azure.workload.identity/tenant-id":"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"}}}`))
			return
		case r.URL.Path == "/apis/apps/v1/daemonsets":
			_, _ = w.Write([]byte(`{"apiVersion":"apps/v1","kind":"DaemonSetList","items":[]}`))
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"NotFound","code":404}`))
	}))
	defer server.Close()
	file := kubeconfigFor(t, server.URL, "team")
	code, stdout, stderr := run(t, askingPod, "preview", "-f", "-", "--live", "--kubeconfig", file)
	if code != exitOK || !strings.Contains(stdout, "99999999-2222") || !strings.Contains(stdout, "--- Pod team/web") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}
