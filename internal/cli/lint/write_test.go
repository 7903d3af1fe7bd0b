package lint_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject"
	"akv-injector/internal/cli/lint"
	"akv-injector/internal/cli/manifest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shop is a folder with mistakes of most kinds, and with things that are none.
func shop() *lint.Report {
	set := manifest.Source{Paths: []string{"shop"}}.Read()
	return lint.Check(set, set.Cluster("default", false), inject.Settings{})
}

func TestWrite(t *testing.T) {
	t.Chdir("testdata")
	for name, write := range map[string]func(*lint.Report, *bytes.Buffer) error{
		"want.txt":        func(r *lint.Report, b *bytes.Buffer) error { return r.WriteText(b, false) },
		"want-colour.txt": func(r *lint.Report, b *bytes.Buffer) error { return r.WriteText(b, true) },
		"want.json":       func(r *lint.Report, b *bytes.Buffer) error { return r.WriteJSON(b) },
		"want.sarif": func(r *lint.Report, b *bytes.Buffer) error {
			if err := r.WriteSARIF(b, "v0.0.0-test"); err != nil {
				return err
			}
			withoutRules(t, b)
			return nil
		},
		"want.github": func(r *lint.Report, b *bytes.Buffer) error { return r.WriteGitHub(b) },
		"want.gitlab": func(r *lint.Report, b *bytes.Buffer) error { return r.WriteGitLab(b) },
		"want.junit": func(r *lint.Report, b *bytes.Buffer) error {
			return r.WriteJUnit(b, manifest.Source{Paths: []string{"shop"}}.Read())
		},
		"want-baseline.json": func(r *lint.Report, b *bytes.Buffer) error {
			if err := r.WriteBaseline(b); err != nil {
				return err
			}
			known, err := lint.ReadBaseline(bytes.NewReader(b.Bytes()))
			if err != nil {
				return err
			}
			n := len(r.Findings)
			if again, gone := r.Without(known); again != n || gone != 0 || len(r.Findings) > 0 {
				t.Errorf("%d of %d are known, %d are gone", again, n, gone)
			}
			return nil
		},
		"want-problems.txt": func(r *lint.Report, b *bytes.Buffer) error {
			r.WriteProblems(b)
			b.WriteString(r.Summary() + "\n")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			// Twice: what is read side by side comes out in one order.
			var got, again bytes.Buffer
			if err := write(shop(), &got); err != nil {
				t.Fatal(err)
			}
			if err := write(shop(), &again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got.String(), again.String()); diff != "" {
				t.Errorf("another output from the same input:\n%s", diff)
			}
			if *update {
				if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("-want +got (-update writes it anew):\n%s", diff)
			}
		})
	}
}

// withoutRules leaves the rule table out of SARIF: its texts are the engine's, and are
// held against it here.
func withoutRules(t *testing.T, b *bytes.Buffer) {
	t.Helper()
	text := b.String()
	before, rest, ok := strings.Cut(text, "          \"rules\": [")
	table, after, closed := strings.Cut(rest, "\n          ]\n")
	if !ok || !closed {
		t.Fatal(text)
	}
	var rules []struct {
		ID, Name             string
		ShortDescription     struct{ Text string }
		DefaultConfiguration struct{ Level string }
	}
	if err := json.Unmarshal([]byte("["+table+"]"), &rules); err != nil {
		t.Fatal(err)
	}
	if len(rules) != 1+len(inject.Rules()) || rules[0].ID != lint.Annotations {
		t.Errorf("%d rules", len(rules))
	}
	for i, want := range inject.Rules() {
		if got := rules[i+1]; got.ID != want.ID || got.Name != want.Name || got.ShortDescription.Text != want.Summary ||
			got.DefaultConfiguration.Level != string(want.Severities[0]) {
			t.Errorf("%s is %+v", want.ID, got)
		}
	}
	b.Reset()
	b.WriteString(before + "          \"rules\": []\n" + after)
}

// A finding that has moved keeps its fingerprint; another one has another.
func TestFingerprints(t *testing.T) {
	t.Chdir(t.TempDir())
	prints := func(text string) []string {
		t.Helper()
		if err := os.WriteFile("a.yaml", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		set := manifest.Source{Paths: []string{"a.yaml"}}.Read()
		var b bytes.Buffer
		if err := lint.Check(set, set.Cluster("", false), inject.Settings{}).WriteSARIF(&b, ""); err != nil {
			t.Fatal(err)
		}
		var list []string
		for line := range strings.Lines(b.String()) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), `"akvFinding/v1": `); ok {
				list = append(list, rest)
			}
		}
		return list
	}
	const unsafe = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    volumeMounts:
    - {name: s, mountPath: /a, readOnly: true, subPath: a}
    - {name: s, mountPath: /b, readOnly: true, subPath: a}
  volumes:
  - {name: s, csi: {driver: secrets-store.csi.k8s.io, readOnly: true, volumeAttributes: {secretProviderClass: c}}}
`
	first := prints(unsafe)
	if len(first) != 2 || first[0] == first[1] {
		t.Fatalf("two findings have the fingerprints %q", first)
	}
	if diff := cmp.Diff(first, prints("# A comment moves all lines.\n"+unsafe)); diff != "" {
		t.Errorf("the fingerprints change with the lines:\n%s", diff)
	}
	other := prints(strings.ReplaceAll(unsafe, "name: web}", "name: other}"))
	if len(other) != 2 || other[0] == first[0] {
		t.Errorf("another pod's findings have the same fingerprints: %q", other)
	}
}

// What a file says cannot write on the terminal that lint writes to.
func TestTextHasNoControlCharacters(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a\x1b[2J.yaml")
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: \"w\\x1b[31m\\neb\", annotations: {\"azure.keyvault.injector/\\x1b[31m\": x}}\nspec: {}\n---\nkind: \"\\x1b[31m\"\n"
	if err := os.WriteFile(file, []byte(pod), 0o644); err != nil {
		t.Fatal(err)
	}
	set := manifest.Source{Paths: []string{dir}}.Read()
	report := lint.Check(set, set.Cluster("", false), inject.Settings{})
	var b bytes.Buffer
	if err := report.WriteText(&b, false); err != nil {
		t.Fatal(err)
	}
	findings := b.Len()
	report.WriteProblems(&b)
	if findings == 0 || b.Len() == findings {
		t.Fatalf("nothing found: %s", b.String())
	}
	for line := range strings.Lines(b.String()) {
		if i := strings.IndexFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' }); i >= 0 {
			t.Errorf("a control character in %q", line)
		}
	}
}
