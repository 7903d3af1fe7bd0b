package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	handWrittenClass = `apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: shop}
spec:
  provider: azure
  parameters:
    clientID: 11111111-2222-3333-4444-555555555555
    keyvaultName: shop-kv
    tenantID: aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
    objects: |
      array:
        - |
          objectName: DB-Password
          objectType: secret
`
	// The pod has room for comments, and for a subPath.
	handWrittenPod = `# The pod of the shop.
apiVersion: v1
kind: Pod
metadata:
  name: web # its name
  labels: # of the identity webhook
    azure.workload.identity/use: "true"

spec:
  containers:
  - name: web
    image: busybox
    volumeMounts:
    - {name: s, mountPath: /mnt/secrets-store, readOnly: true}
  volumes:
  - name: s
    csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: shop}}
`
	convertedPod = `# The pod of the shop.
apiVersion: v1
kind: Pod
metadata:
  name: web # its name
  annotations:
    azure.keyvault.injector/vault: shop-kv
    azure.keyvault.injector/objects: DB-Password
    azure.keyvault.injector/client-id: 11111111-2222-3333-4444-555555555555
    azure.keyvault.injector/tenant-id: aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee

spec:
  containers:
  - name: web
    image: busybox
`
)

// files of a folder, by name; those that are not there have no entry.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

func folder(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestConvertWrite(t *testing.T) {
	const other = "# A file of other things.\na: 1\n"
	dir := folder(t, map[string]string{
		"all.yaml":   "# Head.\n---\n" + handWrittenClass + "---\n" + handWrittenPod + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name:   c}\n",
		"other.yaml": other,
	})
	for range 2 { // the second time there is nothing to convert
		if code, _, stderr := run(t, "", "convert", "-f", dir, "--write"); code != exitOK {
			t.Fatal(code, stderr)
		}
		want := map[string]string{
			"all.yaml":   "# Head.\n---\n" + convertedPod + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name:   c}\n",
			"other.yaml": other,
		}
		if diff := cmp.Diff(want, files(t, dir)); diff != "" {
			t.Error(diff)
		}
	}
}

// A file in which nothing is left goes, and that is said.
func TestConvertWriteRemoves(t *testing.T) {
	dir := folder(t, map[string]string{"class.yaml": handWrittenClass, "pod.yaml": handWrittenPod})
	code, _, stderr := run(t, "", "convert", "-f", dir, "--write")
	if code != exitOK || !strings.Contains(stderr, "removed "+dir+"/class.yaml, in which nothing is left") {
		t.Error(code, stderr)
	}
	if diff := cmp.Diff(map[string]string{"pod.yaml": convertedPod}, files(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// Without --write files stay as they are.
func TestConvertOnlyShows(t *testing.T) {
	texts := map[string]string{"class.yaml": handWrittenClass, "pod.yaml": handWrittenPod}
	dir := folder(t, texts)
	for _, args := range [][]string{{}, {"--diff"}, {"-o", "yaml"}, {"-o", "json"}} {
		code, stdout, stderr := run(t, "", append([]string{"convert", "-f", dir}, args...)...)
		if code != exitOK || !strings.Contains(stdout, "azure.keyvault.injector/objects") {
			t.Error(code, stdout, stderr)
		}
	}
	if diff := cmp.Diff(texts, files(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestConvertExitCodes(t *testing.T) {
	both := handWrittenClass + "---\n" + handWrittenPod
	for name, c := range map[string]struct {
		stdin  string
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"converted":          {both, nil, exitOK, convertedPod, "converted Pod default/web (stdin:17)\n"},
		"left":               {strings.Replace(both, "readOnly: true}\n", "readOnly: true, subPath: a}\n", 1), nil, exitFindings, handWrittenClass, "left as it was: Pod default/web (stdin:17)\n  stdin:29: "},
		"nothing to convert": {safePod, nil, exitOK, safePod, "nothing to convert"},
		"unreadable":         {both + "---\na: [\n", nil, exitUnusable, "", "stdin:"},
		"write to stdin":     {both, []string{"--write"}, exitUnusable, "", "--write needs files"},
		"write and diff":     {both, []string{"--write", "--diff"}, exitUnusable, "", "give one of the two"},
		"format":             {both, []string{"-o", "sarif"}, exitUnusable, "", `error: --output="sarif"`},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t, c.stdin, append([]string{"convert", "-f", "-"}, c.args...)...)
			if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, c.code, stdout, stderr)
			}
			if c.code == exitUnusable && stdout != "" {
				t.Errorf("output: %s", stdout)
			}
		})
	}
}

// JSON stays JSON, with the order of its keys.
func TestConvertJSON(t *testing.T) {
	pod := `{"kind": "Pod", "apiVersion": "v1", "spec": {"volumes": [{"name": "s", "csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": true, "volumeAttributes": {"secretProviderClass": "shop"}}}],
		"containers": [{"name": "web", "x": 12345678901234567890, "volumeMounts": [{"name": "s", "mountPath": "/mnt/secrets-store", "readOnly": true}]}]}, "metadata": {"name": "web"}}`
	code, stdout, stderr := run(t, handWrittenClass+"---\n"+pod+"\n", "convert", "-f", "-")
	want := `{
  "kind": "Pod",
  "apiVersion": "v1",
  "spec": {
    "containers": [
      {
        "name": "web",
        "x": 12345678901234567890
      }
    ]
  },
  "metadata": {
    "name": "web",
    "annotations": {
      "azure.keyvault.injector/vault": "shop-kv",
      "azure.keyvault.injector/objects": "DB-Password",
      "azure.keyvault.injector/client-id": "11111111-2222-3333-4444-555555555555",
      "azure.keyvault.injector/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
      "azure.keyvault.injector/workload-identity-label": "false"
    }
  }
}
`
	if diff := cmp.Diff(want, stdout); code != exitOK || diff != "" {
		t.Error(code, stderr, diff)
	}
}
