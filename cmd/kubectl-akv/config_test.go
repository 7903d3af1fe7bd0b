package main

import (
	"os"
	"strings"
	"testing"

	"akv-injector/internal/testing/fixture"
)

// write writes files into a new folder, and makes it the current one.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(fixture.Folder(t, files))
}

const subPathPod = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  serviceAccountName: web
  containers:
    - name: app   # the app
      image: app
      volumeMounts:
        - name: kv
          mountPath: /mnt/kv/db # here
          subPath: db
  volumes:
    # the vault
    - name: kv
      csi:
        driver: secrets-store.csi.k8s.io
        readOnly: false # why
        volumeAttributes: {secretProviderClass: shop}
`

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		args   []string
		code   int
		says   []string
		not    []string
	}{
		"none":               {"", nil, exitFindings, []string{"error AKV001", "error AKV002"}, nil},
		"a rule is off":      {"rules: {AKV002: off}\n", nil, exitFindings, []string{"error AKV001"}, []string{"AKV002"}},
		"a rule warns":       {"rules: {AKV001: warning, AKV002: 'off'}\n", nil, exitOK, []string{"warning AKV001"}, nil},
		"a rule is an error": {"rules: {AKV001: warning, AKV002: off, AKV003: error}\n", nil, exitFindings, []string{"error AKV003"}, nil},
		"a path is left out": {"exclude: ['**/pod.yaml']\n", nil, exitUnusable, []string{"no .yaml, .yml or .json file"}, []string{"AKV"}},
		"failOn":             {"rules: {AKV001: off, AKV002: off}\nfailOn: warning\n", nil, exitFindings, []string{"warning AKV003"}, nil},
		"a flag goes before": {"rules: {AKV001: off, AKV002: off}\nfailOn: warning\n", []string{"--fail-on", "error"}, exitOK, []string{"warning AKV003"}, nil},
		"the fence":          {"rules: {AKV018: off}\n", nil, exitUnusable, []string{"AKV018 cannot be lowered"}, []string{"AKV001"}},
		"no such rule":       {"rules: {AKV999: off}\n", nil, exitUnusable, []string{`there is no rule "AKV999"`}, nil},
		"no such level":      {"rules: {AKV001: info}\n", nil, exitUnusable, []string{"write off, warning or error"}, nil},
		"no such key":        {"rule: {}\n", nil, exitUnusable, []string{`unknown field "rule"`}, nil},
		"no such flag":       {"server: {tenant: x}\n", nil, exitUnusable, []string{`"tenant" is no flag`}, nil},
		"the server's flag":  {"server: {forbid-allow: 'true', tenant-id: x y}\n", nil, exitUnusable, []string{`--tenant-id="x y"`}, nil},
		"not YAML":           {"rules: [\n", nil, exitUnusable, []string{".akv.yaml:"}, nil},
		"another file":       {"rules: {AKV002: off}\n", []string{"--config", "nowhere.yaml"}, exitUnusable, []string{"nowhere.yaml cannot be read"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"deploy/pod.yaml": subPathPod}
			if c.config != "" {
				files[".akv.yaml"] = c.config
			}
			write(t, files)
			code, stdout, stderr := run(t, "", append([]string{"lint", "-R", "-f", "."}, c.args...)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, words := range c.says {
				if !strings.Contains(stdout+stderr, words) {
					t.Errorf("%q is not in\n%s%s", words, stdout, stderr)
				}
			}
			for _, words := range c.not {
				if strings.Contains(stdout+stderr, words) {
					t.Errorf("%q is in\n%s%s", words, stdout, stderr)
				}
			}
		})
	}
}

// What was found before is not told again, what is new is, and what is gone is said.
func TestBaseline(t *testing.T) {
	write(t, map[string]string{"pod.yaml": subPathPod})
	if code, _, stderr := run(t, "", "lint", "-f", "pod.yaml", "--write-baseline", "known.json"); code != exitFindings || !strings.Contains(stderr, "findings written to known.json: 3") {
		t.Fatalf("%d %s", code, stderr)
	}
	code, stdout, stderr := run(t, "", "lint", "-f", "pod.yaml", "--baseline", "known.json")
	if code != exitOK || stdout != "" || !strings.Contains(stderr, "not told again: 3") {
		t.Errorf("%d %q %s", code, stdout, stderr)
	}
	moved := "# a line more\n" + strings.Replace(subPathPod, "subPath: db", "readOnly: true", 1) + "    - name: kv2\n      csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: other}}\n"
	if err := os.WriteFile("pod.yaml", []byte(moved), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = run(t, "", "lint", "-f", "pod.yaml", "--baseline", "known.json")
	if code != exitFindings || strings.Count(stdout, "AKV002") != 1 || !strings.Contains(stderr, "that are gone: 2") {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
	if err := os.WriteFile("known.json", []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run(t, "", "lint", "-f", "pod.yaml", "--baseline", "known.json"); code != exitUnusable || !strings.Contains(stderr, "a baseline of version 0") {
		t.Errorf("%d %s", code, stderr)
	}
}

// --fix changes what is sure, keeps comments, and finds nothing more to do the second time.
func TestFix(t *testing.T) {
	other := strings.ReplaceAll(strings.Replace(subPathPod, "/mnt/kv/db", "/etc/app/db", 1), "name: web", "name: other")
	write(t, map[string]string{"pod.yaml": subPathPod, "other.yaml": other})
	code, _, stderr := run(t, "", "lint", "-f", ".", "--fix")
	if code != exitFindings || !strings.Contains(stderr, "the whole folder /etc/app would be hidden") {
		t.Errorf("%d %s", code, stderr)
	}
	want := strings.NewReplacer("/mnt/kv/db #", "/mnt/kv #", "          subPath: db\n", "          readOnly: true\n", "readOnly: false #", "readOnly: true #").Replace(subPathPod)
	if text, err := os.ReadFile("pod.yaml"); err != nil || string(text) != want {
		t.Errorf("%v\n%s", err, text)
	}
	if _, _, stderr := run(t, "", "lint", "-f", ".", "--fix"); strings.Contains(stderr, "wrote") {
		t.Errorf("the second time: %s", stderr)
	}
	item := "  " + strings.ReplaceAll(strings.TrimSuffix(subPathPod, "\n"), "\n", "\n  ")
	list := "apiVersion: v1\nkind: List\nitems:\n- " + strings.TrimPrefix(item, "  ") + "\n"
	write(t, map[string]string{"list.yaml": list})
	if _, _, stderr := run(t, "", "lint", "-f", "list.yaml", "--fix"); !strings.Contains(stderr, "mounted the folder /mnt/kv") {
		t.Errorf("an item of a List: %s", stderr)
	}
	if code, _, stderr := run(t, "", "lint", "-f", "-", "--fix"); code != exitUnusable || !strings.Contains(stderr, "--fix writes files") {
		t.Errorf("%d %s", code, stderr)
	}
}

func TestMatchPath(t *testing.T) {
	for _, c := range []struct {
		pattern, file string
		want          bool
	}{
		{"charts", "charts/a.yaml", true},
		{"charts/*.yaml", "charts/a.yaml", true},
		{"charts/*.yaml", "charts/a/a.yaml", false},
		{"**/a.yaml", "a.yaml", true},
		{"**/a.yaml", "x/y/a.yaml", true},
		{"x/**/a.yaml", "x/a.yaml", true},
		{"x/**", "y/a.yaml", false},
		// Each ** is not tried for each part.
		{"**/a/**/b.yaml", "x/a/y/a/b.yaml", true},
		{"a/**/b/c.yaml", "a/b/b/c.yaml", true},
		{"**/b", "a/b/c.yaml", true},
		{strings.Repeat("**/*/", 30) + "none", strings.Repeat("a/", 60) + "a.yaml", false},
	} {
		if got := (&config{Exclude: []string{c.pattern}}).excludes(c.file); got != c.want {
			t.Errorf("%.40s, %.40s: %v, want %v", c.pattern, c.file, got, c.want)
		}
	}
}
