package manifest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"akv-injector/inject/finding"
	"akv-injector/internal/testing/corpus"
)

// Whatever is read, nothing panics, every place is a line of the file, and every object
// is one.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "\n---\n", deployment, pod + "---\n" + pod, strings.ReplaceAll(pod, "\n", "\r\n"), "\xef\xbb\xbf" + pod,
		"{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}\n{\"apiVersion\": \"v1\",\t\"kind\": \"Pod\"}",
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n- null\n- apiVersion: apps/v1\n  kind: DeploymentList\n  items: [{}]\n",
		"a: &a [*a]\n", "a: &a [x]\nb: &b [*a, *a]\nc: {<<: *b}\n", "x: &x {a: 1}\nmetadata: {<<: [*x, *x], a: 2}\napiVersion: v1\nkind: Pod\n",
		"apiVersion: v1\nkind: Pod\nmetadata: 3\n", "? [a]\n: b\n", "a: |\u2028  b\rc: d\x85e: f\n", "%YAML 1.1\n---\na: b\n...\nc: d\n",
		"apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    azure.keyvault.injector/objects: |2-\n\n        a,\n       b\n",
		"!!binary aGk=: !!float 1\n", "a: !!set {b}\n", "{a: b}{c: d}", "[", "\t{}", "- - - a", "<<: {<<: {<<: a}}", "a: 0o7\nyes: no\n~: ~\n1: 2\n",
	} {
		f.Add([]byte(seed), "spec.template.metadata.annotations[azure.keyvault.injector/objects][0]")
	}
	cases, err := corpus.Load(corpus.Root())
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases[:40] {
		if text := c.Part(corpus.PodFile); text != nil {
			f.Add(text, "spec.containers[0].volumeMounts[0].subPath")
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		set := read(string(text))
		last := 1 + strings.Count(string(text), "\n")
		within := func(line int, what string) {
			if line < 1 || line > last {
				t.Errorf("%s: line %d of %d", what, line, last)
			}
		}
		for _, p := range set.Problems {
			within(p.Line, p.String())
		}
		for _, o := range set.Objects {
			var value map[string]any
			if err := json.Unmarshal(o.JSON, &value); err != nil {
				t.Errorf("not an object: %v\n%s", err, o.JSON)
			}
			if o.Kind == "" || o.APIVersion == "" {
				t.Errorf("no kind: %s", o.JSON)
			}
			within(o.LineOf(placeOf(path)), path)
			var visit func(path *finding.Place, value any)
			visit = func(path *finding.Place, value any) {
				within(o.LineOf(path), path.String())
				within(o.LineOf(path.Index(0).Child("a")), path.String())
				switch value := value.(type) {
				case map[string]any:
					for k, child := range value {
						visit(path.Key(k), child)
					}
				case []any:
					for i, child := range value {
						visit(path.Index(i), child)
					}
				}
			}
			if len(o.JSON) < 10_000 {
				visit(nil, value)
			}
		}
	})
}
