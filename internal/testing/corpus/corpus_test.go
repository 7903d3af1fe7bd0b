package corpus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	onePod    = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: apps}\n"
	oneSet    = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: web, namespace: apps}\n"
	oneSecret = "apiVersion: v1\nkind: Secret\nmetadata: {name: web, namespace: apps}\n"
	namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: apps}\n"
)

// write makes a corpus of the files, by their paths below its folder, and returns the
// root of its cases.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cases")
}

func TestLoadRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a file of no case":        {map[string]string{"cases/README": "x"}, "only folders"},
		"a file that nobody reads": {map[string]string{"cases/a/pod.yaml": onePod, "cases/a/want-pods.yaml": "x"}, "no file of a case"},
		"a case without an object": {map[string]string{"cases/a/options.yaml": "origin: user"}, "needs a pod.yaml"},
		"two objects":              {map[string]string{"cases/a/pod.yaml": onePod, "cases/a/object.yaml": oneSet}, "an object already"},
		"a pod as an object":       {map[string]string{"cases/a/object.yaml": onePod}, "belongs in pod.yaml"},
		"an object as a pod":       {map[string]string{"cases/a/pod.yaml": oneSet}, "belongs in pod.yaml"},
		"an old object alone":      {map[string]string{"cases/a/old.yaml": oneSet}, "needs a pod.yaml"},
		"an old pod":               {map[string]string{"cases/a/pod.yaml": onePod, "cases/a/old.yaml": onePod}, "update of a pod"},
		"an old one of elsewhat":   {map[string]string{"cases/a/object.yaml": oneSet, "cases/a/old.yaml": onePod}, "old.yaml is a"},
		"a deletion with both":     {map[string]string{"cases/a/object.yaml": oneSet, "cases/a/old.yaml": oneSet, "cases/a/options.yaml": "operation: DELETE"}, "a deletion has"},
		"an operation in words":    {map[string]string{"cases/a/object.yaml": oneSet, "cases/a/options.yaml": "operation: CREATE"}, "the files tell"},
		"a pod elsewhere":          {map[string]string{"cases/a/pod.yaml": strings.Replace(onePod, "apps", "other", 1)}, "is wanted"},
		"another kind":             {map[string]string{"cases/a/pod.yaml": namespace}, "is wanted"},
		"an unknown origin":        {map[string]string{"cases/a/pod.yaml": onePod, "cases/a/options.yaml": "origin: mars"}, "no such origin"},
		"an unknown option":        {map[string]string{"cases/a/pod.yaml": onePod, "cases/a/options.yaml": "mutate: true"}, "unknown field"},
		"a fact of another kind":   {map[string]string{"cases/a/pod.yaml": onePod, "cases/a/facts.yaml": oneSecret}, "no kind that a decision looks at"},
		"a misspelt fact":          {map[string]string{"cases/a/pod.yaml": onePod, "cases/a/facts.yaml": namespace + "spce: {}\n"}, "unknown field"},
		"a fact twice":             {map[string]string{"cases/a/pod.yaml": onePod, "cases/a/facts.yaml": namespace + "---\n" + namespace}, "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.files[FactsFile] = namespace
			if _, err := Load(write(t, tc.files)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestOwnFactsCoverSharedOnes(t *testing.T) {
	cases, err := Load(write(t, map[string]string{
		FactsFile:            namespace,
		"cases/a/pod.yaml":   onePod,
		"cases/b/pod.yaml":   onePod,
		"cases/b/facts.yaml": strings.Replace(namespace, "name: apps", "name: apps, labels: {own: b}", 1),
	}))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "b"} {
		if got := cases[i].NamespaceObject().Labels["own"]; got != want {
			t.Errorf("case %s: %q, want %q", cases[i].Name, got, want)
		}
		if n := len(cases[i].Objects()); n != 1 {
			t.Errorf("case %s: %d objects", cases[i].Name, n)
		}
	}
}

func TestRoot(t *testing.T) {
	cases, err := Load(Root())
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 80 {
		t.Errorf("%d cases", len(cases))
	}
}
