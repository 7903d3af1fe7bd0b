// Package sarif tests that what kubectl akv lint -o sarif writes is SARIF 2.1.0: by OASIS'
// own schema, which a linter that golangci-lint is made of brings along.
package sarif

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
)

const (
	repository = "../.."
	schemaOf   = "github.com/securego/gosec/v2"
	schemaFile = "report/sarif/testdata/sarif-schema-2.1.0.json"
)

func TestLintWritesSARIF(t *testing.T) {
	schema := compile(t)
	program := build(t)
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	corpus := unpack(t, filepath.Join(repository, "inject/testdata"))
	for name, c := range map[string]struct {
		args []string
		exit int
		// results that are there at least.
		results int
	}{
		"every case of the corpus":  {[]string{"-R", "-f", corpus}, 1, 100},
		"the same, as all there is": {[]string{"-R", "-f", corpus, "--complete"}, 1, 100},
		"by an absolute path":       {[]string{"-f", absolute(t, "examples/shop")}, 1, 2},
		"files that cannot be read": {[]string{"-f", "internal/cli/lint/testdata/shop", "-f", "no such file.yaml"}, 2, 5},
		"nothing found":             {[]string{"-f", "examples/shop/deployment.yaml"}, 0, 0},
		"no object":                 {[]string{"-f", empty}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			document := lint(t, program, c.exit, c.args)
			if err := schema.Validate(document); err != nil {
				t.Errorf("%#v", err)
			}
			if n := len(results(t, document)); n < c.results {
				t.Errorf("%d results, want %d or more", n, c.results)
			}
		})
	}

	// The schema says no to what is wrong.
	for name, spoil := range map[string]func(result map[string]any){
		"a level that is none":  func(r map[string]any) { r["level"] = "fatal" },
		"no message":            func(r map[string]any) { delete(r, "message") },
		"a field of no meaning": func(r map[string]any) { r["fix"] = "x" },
		"an index below -1":     func(r map[string]any) { r["ruleIndex"] = -2 },
	} {
		t.Run(name, func(t *testing.T) {
			document := lint(t, program, 1, []string{"-f", "examples/shop"})
			spoil(results(t, document)[0].(map[string]any))
			if err := schema.Validate(document); err == nil {
				t.Error("the schema takes it")
			}
		})
	}
}

// unpack writes the objects of every case into a directory of the case's own.
func unpack(t *testing.T, corpus string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(corpus, "*", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	byRule, err := filepath.Glob(filepath.Join(corpus, "*", "*", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	paths = append(paths, byRule...)
	if len(paths) < 400 {
		t.Fatalf("%s has %d cases", corpus, len(paths))
	}
	root := t.TempDir()
	for i, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(root, strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, part := range archive.Files {
			if filepath.Ext(part.Name) != ".yaml" || strings.HasPrefix(part.Name, "want-") {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, part.Name), part.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", schemaOf).Output()
	if err != nil {
		t.Fatal(err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(filepath.Join(module.Dir, schemaFile))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kubectl-akv")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "./cmd/kubectl-akv")
	cmd.Dir = repository
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// lint runs kubectl akv lint and parses what it prints.
func lint(t *testing.T, program string, exit int, args []string) any {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, append([]string{"lint", "-o", "sarif"}, args...)...)
	cmd.Dir = repository
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) || cmd.ProcessState.ExitCode() != exit {
		t.Fatalf("%v, want exit status %d\n%s", err, exit, stderr.String())
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return document
}

func results(t *testing.T, document any) []any {
	t.Helper()
	runs, _ := document.(map[string]any)["runs"].([]any)
	if len(runs) != 1 {
		t.Fatalf("%d runs", len(runs))
	}
	list, _ := runs[0].(map[string]any)["results"].([]any)
	return list
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(filepath.Join(repository, path))
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
