package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akv-injector/internal/cli/render"
	"akv-injector/internal/testing/fixture"
)

// programs makes git, helm, docker and the like leave a mark if they run.
func programs(t *testing.T) (ran func() []string) {
	t.Helper()
	bin, marks := t.TempDir(), t.TempDir()
	for _, name := range []string{"git", "helm", "docker", "podman", "curl", "plugin"} {
		script := "#!/bin/sh\n: > " + marks + "/" + name + "\n"
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	return func() []string {
		entries, err := os.ReadDir(marks)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: \"1\"}\n"

func TestKustomize(t *testing.T) {
	function := "apiVersion: x/v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: plugin}\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // in what is built
		err   []string
	}{
		"a base and a patch": {map[string]string{
			"kustomization.yaml":      "resources: [base]\nnamespace: prod\npatches: [{path: patch.yaml}]\n",
			"patch.yaml":              "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: \"2\"}\n",
			"base/kustomization.yaml": "resources: [a.yaml]\n", "base/a.yaml": configMap,
		}, []string{"namespace: prod", `x: "2"`}, nil},
		"a component": {map[string]string{
			"kustomization.yaml": "resources: [a.yaml]\ncomponents: [c]\n", "a.yaml": configMap,
			"c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {x: z}}]\n",
		}, []string{"x: z"}, nil},
		"a built-in transformer": {map[string]string{
			"kustomization.yaml": "resources: [a.yaml]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: PrefixTransformer\n  metadata: {name: p}\n  prefix: pre-\n  fieldSpecs: [{path: metadata/name}]\n",
			"a.yaml":             configMap,
		}, []string{"name: pre-a"}, nil},
		"nothing there":      {nil, nil, []string{"no kustomization.yaml"}},
		"a base of git":      {map[string]string{"kustomization.yaml": "resources: [github.com/kubernetes-sigs/kustomize/examples/helloWorld]\n"}, nil, []string{"is on another host"}},
		"a base by ssh":      {map[string]string{"kustomization.yaml": "resources: ['git@github.com:a/b?ref=x']\n"}, nil, []string{"is on another host"}},
		"a file of the web":  {map[string]string{"kustomization.yaml": "resources: ['https://example.com/a.yaml']\n"}, nil, []string{"is on another host"}},
		"a component of git": {map[string]string{"kustomization.yaml": "components: ['https://github.com/a/b']\n"}, nil, []string{"is on another host"}},
		"in a base": {map[string]string{
			"kustomization.yaml": "resources: [base]\n", "base/kustomization.yaml": "resources: ['https://github.com/a/b']\nhelmCharts: [{name: x, repo: 'https://a'}]\n",
		}, nil, []string{"is on another host", "helmCharts are not rendered"}},
		"a chart":                {map[string]string{"kustomization.yaml": "helmCharts: [{name: x, repo: 'https://a'}]\n"}, nil, []string{"helmCharts are not rendered"}},
		"a chart in a generator": {map[string]string{"kustomization.yaml": "generators: [g.yaml]\n", "g.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\n"}, nil, []string{"are not run"}},
		"a function":             {map[string]string{"kustomization.yaml": "generators: [f.yaml]\n", "f.yaml": function}, nil, []string{"are not run"}},
		"a function in place":    {map[string]string{"kustomization.yaml": "transformers:\n- |\n  " + strings.ReplaceAll(function, "\n", "\n  ") + "\n"}, nil, []string{"are not run"}},
		"a plugin":               {map[string]string{"kustomization.yaml": "generators: [p.yaml]\n", "p.yaml": "apiVersion: x/v1\nkind: Plugin\nmetadata: {name: x}\n"}, nil, []string{"plugin"}},
		"a file outside":         {map[string]string{"k/kustomization.yaml": "resources: [../a.yaml]\n", "a.yaml": configMap}, nil, []string{"is not in or below"}},
		"a file that is away":    {map[string]string{"kustomization.yaml": "resources: [b.yaml]\n"}, nil, []string{`"b.yaml" is not there`}},
		"a base in a circle":     {map[string]string{"kustomization.yaml": "resources: [a]\n", "a/kustomization.yaml": "resources: [..]\n"}, nil, []string{"cycle"}},
		"not YAML":               {map[string]string{"kustomization.yaml": "resources: [\n"}, nil, []string{"kustomization.yaml"}},
		"a patch of a URL":       {map[string]string{"kustomization.yaml": "resources: [a.yaml]\npatches: [{path: 'https://example.com/p.yaml'}]\n", "a.yaml": configMap}, nil, []string{"is on another host"}},
		"a transformer of a URL": {map[string]string{
			"kustomization.yaml": "resources: [a.yaml]\ntransformers: [t.yaml]\n", "a.yaml": configMap,
			"t.yaml": "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: https://example.com/p.yaml\n",
		}, nil, []string{"names another host"}},
		"a file to generate from": {map[string]string{
			"kustomization.yaml": "configMapGenerator: [{name: x, files: ['https://example.com/f']}]\n",
		}, nil, []string{"is on another host"}},
	} {
		t.Run(name, func(t *testing.T) {
			ran := programs(t)
			dir := fixture.Folder(t, c.files)
			if name == "a file outside" {
				dir = filepath.Join(dir, "k")
			}
			text, err := render.Kustomize(dir)
			if len(c.err) == 0 && err != nil {
				t.Fatal(err)
			}
			for _, words := range c.err {
				if err == nil || !strings.Contains(err.Error(), words) {
					t.Errorf("%v; want %q", err, words)
				}
			}
			for _, words := range c.want {
				if !strings.Contains(string(text), words) {
					t.Errorf("%q is not in\n%s", words, text)
				}
			}
			if names := ran(); len(names) > 0 {
				t.Errorf("%q ran", names)
			}
		})
	}
}

func TestHelm(t *testing.T) {
	dir := fixture.Folder(t, map[string]string{"chart/Chart.yaml": "name: a\n", "v.yaml": "a: b\n"})
	t.Chdir(dir)
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	if _, err := (render.Chart{Path: "chart"}).Helm(t.Context()); err == nil || !strings.Contains(err.Error(), "helm is not on PATH; where it is, run: helm template chart") {
		t.Error(err)
	}
	if _, err := (render.Chart{Path: "bitnami/nginx"}).Helm(t.Context()); err == nil || !strings.Contains(err.Error(), "are not fetched") {
		t.Error(err)
	}
	helm := func(script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bin, "helm"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	helm(`for a in "$@"; do echo "# $a"; done`)
	text, err := render.Chart{Path: "chart", Values: []string{"v.yaml"}, Namespace: "shop"}.Helm(t.Context())
	want := "# template\n# release\n# ./chart\n# --namespace\n# shop\n# --values\n# ./v.yaml\n"
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s", err, text)
	}
	helm("echo 'Error: values do not meet the schema' >&2; exit 1")
	if _, err := (render.Chart{Path: "chart"}).Helm(t.Context()); err == nil || !strings.Contains(err.Error(), "helm: values do not meet the schema") {
		t.Error(err)
	}
}
