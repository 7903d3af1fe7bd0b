package manifest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject/finding"
	"akv-injector/internal/cli/manifest"
)

// read reads a text as the standard input.
func read(text string) *manifest.Set {
	return manifest.Source{Paths: []string{manifest.Stdin}, Stdin: strings.NewReader(text)}.Read()
}

// outline is what was read, a line each: objects with their kind and place, and problems.
func outline(set *manifest.Set) []string {
	var lines []string
	for _, o := range set.Objects {
		name := o.Name
		if o.Namespace != "" {
			name = o.Namespace + "/" + name
		}
		lines = append(lines, fmt.Sprintf("%d %s %s %s", o.Line(), o.APIVersion, o.Kind, name))
	}
	for _, p := range set.Problems {
		lines = append(lines, p.String())
	}
	return lines
}

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":           {"", nil},
		"comments":          {"# nothing\n---\n# more\n", nil},
		"one":               {pod, []string{"1 v1 Pod web"}},
		"comment before":    {"# web\n\n" + pod, []string{"3 v1 Pod web"}},
		"two":               {pod + "---\n" + pod, []string{"1 v1 Pod web", "5 v1 Pod web"}},
		"separator first":   {"---\n" + pod + "--- # next\n" + pod, []string{"2 v1 Pod web", "6 v1 Pod web"}},
		"byte order mark":   {"\xef\xbb\xbf" + pod, []string{"1 v1 Pod web"}},
		"carriage returns":  {strings.ReplaceAll(pod+"---\n"+pod, "\n", "\r\n"), []string{"1 v1 Pod web", "5 v1 Pod web"}},
		"no newline at end": {strings.TrimSpace(pod), []string{"1 v1 Pod web"}},
		"behind a separator": {"--- {}\n" + pod, []string{
			"2 v1 Pod web", "stdin:1: only a comment may stand behind ---; begin the document on the next line",
		}},
		"namespace": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n", []string{"1 apps/v1 Deployment shop/web"}},
		"generateName": {
			"apiVersion: v1\nkind: Pod\nmetadata: {generateName: web-}\n",
			[]string{"1 v1 Pod web-"},
		},
		"JSON with tabs, two in a row": {
			"{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\", \"metadata\": {\"name\": \"a\\ud83d\\ude00\\/\"}}\n \t{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}",
			[]string{"2 v1 Pod a😀/", "4 v1 Pod "},
		},
		"JSON, then YAML": {
			"{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}\n---\n" + pod,
			[]string{"1 v1 Pod ", "3 v1 Pod web"},
		},
		"JSON that ends too early": {
			"{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}\n{\"kind\":\n",
			[]string{"1 v1 Pod ", "stdin:2: not JSON: unexpected EOF"},
		},
		"JSON with a key twice": {
			"{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n\"kind\": \"Pod\"}",
			[]string{`stdin:2: the key "kind" appears twice`},
		},
		"braces of YAML":  {"{apiVersion: v1, kind: Pod,}\n", []string{"1 v1 Pod "}},
		"an unknown kind": {"apiVersion: example.com/v1\nkind: Rollout\nmetadata: {name: a}\n", []string{"1 example.com/v1 Rollout a"}},
		"a list": {
			"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n- apiVersion: v1\n  kind: List\n  items:\n  -\n    kind: Pod\n    apiVersion: v1\n",
			[]string{"4 v1 Pod ", "10 v1 Pod "},
		},
		"a list of one kind": {
			"apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n  spec: {replicas: x}\n",
			[]string{"4 apps/v1 Deployment a", "stdin:6: spec.replicas: a string is where the API server expects a whole number"},
		},
		"a list with a hole": {
			"apiVersion: v1\nkind: List\nitems:\n- null\n- apiVersion: v1\n  kind: Pod\n",
			[]string{"5 v1 Pod ", "stdin:4: not a Kubernetes object, which has fields"},
		},
		"a list that is none": {"apiVersion: v1\nkind: List\nitems: 3\n", []string{"stdin:3: items is no list"}},
		"an empty list":       {"apiVersion: v1\nkind: List\n", nil},
		"not an object":       {"- a\n- b\n", []string{"stdin:1: not a Kubernetes object, which has fields"}},
		"a word":              {"\nhello\n", []string{"stdin:2: not a Kubernetes object, which has fields"}},
		"no kind":             {"apiVersion: v1\n", []string{"stdin:1: the object has no kind"}},
		"no apiVersion":       {"# a\nkind: Pod\n", []string{"stdin:2: the Pod has no apiVersion"}},
		"values of a chart": {"replicas: 2\n", []string{
			"stdin:1: not a Kubernetes object: it has neither apiVersion nor kind",
		}},
		"kind is a number": {"apiVersion: v1\nkind: 3\n", []string{"stdin:2: kind: a number is where the API server expects a string; put it in quotes"}},
		"metadata is a list": {
			"apiVersion: v1\nkind: Service\nmetadata:\n- a\n",
			[]string{"stdin:3: metadata: a list is where the API server expects an object with fields"},
		},
		"a name that YAML takes for a number": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  labels: {}\n  name: 017\n",
			[]string{"stdin:5: metadata.name: a number is where the API server expects a string; put it in quotes"},
		},
		"an annotation that YAML takes for true": {
			"apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    a: yes\n",
			[]string{"stdin:5: metadata.annotations[a]: true or false is where the API server expects a string; put it in quotes"},
		},
		"a bad document between good ones": {
			pod + "---\n\tkind: Pod\n---\n" + pod,
			[]string{
				"1 v1 Pod web", "7 v1 Pod web",
				"stdin:5: not YAML: found character that cannot start any token (a tab? YAML is indented by spaces)",
			},
		},
		"keys that stand twice": {
			"apiVersion: v1\nkind: Pod\nkind: Pod\nmetadata: {name: a, name: b}\n",
			[]string{`stdin:3: not YAML: the key "kind" appears twice`, `stdin:4: not YAML: the key "name" appears twice`},
		},
		"a merge that is overridden": {
			"apiVersion: v1\nkind: Pod\nx: &x {name: a, namespace: b}\nmetadata:\n  <<: *x\n  name: c\n",
			[]string{"1 v1 Pod b/c"},
		},
		"a merge beside a key that stands twice": {
			"apiVersion: v1\nkind: Pod\nx: &x {name: a}\nmetadata:\n  <<: *x\n  name: c\n  name: d\n",
			[]string{`stdin:7: the key "name" appears twice`},
		},
		"an anchor in itself": {
			"apiVersion: v1\nkind: Pod\nmetadata: &a\n  x: *a\n",
			[]string{`stdin:4: the anchor "a" contains itself`},
		},
		"an alias of nothing": {"apiVersion: *a\n", []string{"stdin:1: not YAML: unknown anchor 'a' referenced"}},
		"binary":              {pod + "\x00\x01", []string{"stdin:4: not text in UTF-8; save the file as UTF-8"}},
		"Latin-1":             {"# caf\xe9\n" + pod, []string{"stdin:1: not text in UTF-8; save the file as UTF-8"}},
		"UTF-16":              {"\xff\xfea\x00", []string{"stdin:1: not text in UTF-8; save the file as UTF-8"}},
		"a control character": {pod + "# \x01\n", []string{"stdin:1: not YAML: control characters are not allowed"}},
		"a template of Helm": {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n", []string{
			"stdin:4: a template that is not rendered; render it first, as with: helm template, or --helm CHART",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, outline(read(c.text))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Texts that are small, and would be huge, or nested as no manifest is.
func TestReadIsBounded(t *testing.T) {
	laughs := "a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"
	for i := 1; i < 10; i++ {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), ","))
	}
	for name, text := range map[string]string{
		"billion laughs":         laughs,
		"one long string, often": "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a,", 100_000) + "]\n",
		"merges":                 "a: &a {" + strings.Repeat("x", 1<<20) + ": 1}\nb: [" + strings.Repeat("{<<: *a},", 1000) + "]\n",
		"brackets":               strings.Repeat("[", 1_000_000),
		"closed brackets":        "a: " + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		"braces of JSON":         strings.Repeat(`{"a":`, 1_000_000),
		"closed braces of JSON":  strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
		"dashes":                 strings.Repeat("- ", 100_000),
		"question marks":         strings.Repeat("? ", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			set := read(text)
			if len(set.Objects) != 0 || len(set.Problems) != 1 {
				t.Fatalf("objects %d, problems %v", len(set.Objects), set.Problems)
			}
			if p := set.Problems[0]; p.Line < 1 || len(p.Message) > 300 {
				t.Errorf("%d: %.400s", p.Line, p.Message)
			}
		})
	}
}

func TestAliasesWithinBounds(t *testing.T) {
	set := read("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  labels: &labels\n    app: web\n  annotations: *labels\n")
	want := []string{"1 v1 Pod web"}
	if diff := cmp.Diff(want, outline(set)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A scalar as large as an editor would not show it is a scalar.
func TestHugeScalar(t *testing.T) {
	set := read("apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n" + strings.Repeat("    "+strings.Repeat("x", 1000)+"\n", 2_000) + "  b: c\n")
	if want := []string{"1 v1 ConfigMap "}; !cmp.Equal(want, outline(set)) {
		t.Fatal(outline(set))
	}
	if line := set.Objects[0].LineOf(finding.At("data", "b")); line != 2_005 {
		t.Errorf("data.b at %d", line)
	}
}

func TestReadFolders(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	named := func(name string) string { return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\n" }
	write("app/b.yaml", named("b"))
	write("app/a.yml", named("a"))
	write("app/c.json", `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"}}`)
	write("app/README.md", "no manifest")
	write("app/values.yaml", "replicas: 2\n")
	write("app/deep/er/d.yaml", named("d"))
	write("other/manifest.txt", named("e"))
	write("broken/bad.yaml", "a: [\n")
	write("broken/good.yaml", named("f"))
	write("empty/sub/README.md", "")
	write("empty/empty.yml/x", "")
	for from, to := range map[string]string{
		"app/link.yaml":    filepath.Join(dir, "other/manifest.txt"),
		"app/dead.yaml":    filepath.Join(dir, "nowhere"),
		"app/circle.yaml":  filepath.Join(dir, "app/circle.yaml"),
		"app/deep/up":      filepath.Join(dir, "app"),
		"app/deep/up.yaml": filepath.Join(dir, "app"),
		"linked":           filepath.Join(dir, "other"),
	} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	fromApp := []string{
		"app/a.yml:1 a", "app/b.yaml:1 b", "app/c.json:1 c", "app/link.yaml:1 e",
	}
	appProblems := []string{
		"app/circle.yaml: cannot be read: too many levels of symbolic links",
		"app/dead.yaml: cannot be read: no such file or directory",
		"note: app/values.yaml:1: not a Kubernetes object: it has neither apiVersion nor kind",
	}
	for name, c := range map[string]struct {
		source manifest.Source
		want   []string
	}{
		"folder":           {manifest.Source{Paths: []string{"app"}}, append(fromApp[:4:4], appProblems...)},
		"folder, with /":   {manifest.Source{Paths: []string{"app/"}}, append(fromApp[:4:4], appProblems...)},
		"folders in it":    {manifest.Source{Paths: []string{"app"}, Recursive: true}, append(append(fromApp[:3:3], "app/deep/er/d.yaml:1 d", "app/link.yaml:1 e"), appProblems...)},
		"file of any name": {manifest.Source{Paths: []string{"other/manifest.txt"}}, []string{"other/manifest.txt:1 e"}},
		"file, named twice": {
			manifest.Source{Paths: []string{"app/b.yaml", "./app/b.yaml"}},
			[]string{"app/b.yaml:1 b"},
		},
		"named, and no object": {
			manifest.Source{Paths: []string{"app/values.yaml"}},
			[]string{"note: app/values.yaml:1: not a Kubernetes object: it has neither apiVersion nor kind"},
		},
		"in the order of the words": {
			manifest.Source{Paths: []string{"other/manifest.txt", "-", "app/a.yml"}, Stdin: strings.NewReader(named("s"))},
			[]string{"other/manifest.txt:1 e", "stdin:1 s", "app/a.yml:1 a"},
		},
		"missing":       {manifest.Source{Paths: []string{"nowhere.yaml", "app/a.yml"}}, []string{"app/a.yml:1 a", "nowhere.yaml: cannot be read: no such file or directory"}},
		"pattern":       {manifest.Source{Paths: []string{"app/?.y*"}}, []string{"app/a.yml:1 a", "app/b.yaml:1 b"}},
		"empty pattern": {manifest.Source{Paths: []string{"app/z*.yaml"}}, []string{"app/z*.yaml: cannot be read: no such file or directory"}},
		"address": {
			manifest.Source{Paths: []string{"https://example.com/a.yaml"}},
			[]string{"https://example.com/a.yaml: is not fetched; fetch it yourself, and pipe it in: -f -"},
		},
		"no name":                  {manifest.Source{Paths: []string{""}}, []string{`"": names no file; -f takes a file, a folder, or - for the standard input`}},
		"no standard input":        {manifest.Source{Paths: []string{"-"}}, []string{"stdin: there is none"}},
		"folder without manifests": {manifest.Source{Paths: []string{"other"}}, []string{"other: no .yaml, .yml or .json file is in this folder"}},
		"only folders in the folder": {
			manifest.Source{Paths: []string{"empty"}},
			[]string{"empty: no .yaml, .yml or .json file is in this folder; with -R its folders are read too"},
		},
		"none in folders either":  {manifest.Source{Paths: []string{"empty"}, Recursive: true}, []string{"empty: no .yaml, .yml or .json file is in this folder"}},
		"link to a folder, named": {manifest.Source{Paths: []string{"linked"}}, []string{"linked: no .yaml, .yml or .json file is in this folder"}},
		"bad beside good":         {manifest.Source{Paths: []string{"broken"}}, []string{"broken/good.yaml:1 f", "broken/bad.yaml:1: not YAML: did not find expected node content"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(dir)
			set := c.source.Read()
			var got []string
			for _, o := range set.Objects {
				got = append(got, fmt.Sprintf("%s:%d %s", o.File, o.Line(), o.Name))
			}
			for _, p := range set.Problems {
				note := ""
				if p.Note {
					note = "note: "
				}
				got = append(got, note+p.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUnreadableFile(t *testing.T) {
	if os.Geteuid() == 0 {
		// Root reads everything; a file of the kernel that refuses to be read stands in.
		t.Log("as root: /proc/self/mem in place of a file without permission")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(path, []byte(pod), 0o000); err != nil {
		t.Fatal(err)
	}
	want := path + ": cannot be read: permission denied"
	if os.Geteuid() == 0 {
		path = "/proc/self/mem"
		want = path + ": cannot be read: input/output error"
	}
	set := manifest.Source{Paths: []string{path}}.Read()
	if got := outline(set); len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}
