package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.com/m\n\ngo 1.26\n"
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWhatDoesNotCompileThere(t *testing.T) {
	files := map[string]string{
		"a.go":             "package m\n\nimport _ \"example.com/m/b\"\n\nvar A = here\n",
		"a_linux.go":       "package m\n\nconst here = \"linux\"\n",
		"a_test.go":        "package m\n\nvar _ = A + here\n",
		"b/b.go":           "package b\n",
		"b/b_darwin.go":    "package b\n\nvar B int = \"text\"\n",
		"b/b_test.go":      "package b\n",
		"c/c_linux.go":     "package c\n",
		"d/d.go":           "package d\n",
		"d/darwin_test.go": "//go:build darwin\n\npackage d_test\n\nvar _ = undefinedName\n",
	}
	for goos, test := range map[string]struct {
		tests bool
		want  []string
	}{
		"linux":  {tests: true},
		"darwin": {tests: true, want: []string{"a.go:5:9: undefined: here", "a_test.go:3:13: undefined: here", "b_darwin.go:3:13: cannot use", "darwin_test.go:5:9: undefined: undefinedName"}},
		// Without tests, c has nothing left.
		"windows": {want: []string{"a.go:5:9: undefined: here"}},
	} {
		t.Run(goos, func(t *testing.T) {
			t.Setenv("GOOS", goos)
			t.Setenv("CGO_ENABLED", "0")
			got, err := check(module(t, files), test.tests, "./...")
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if len(got) != len(test.want) {
				t.Fatalf("found %q, want %q", got, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("found %q, want %q", got[i], want)
				}
			}
		})
	}
}

func TestNoPackages(t *testing.T) {
	if problems, err := check(module(t, map[string]string{}), true, "./..."); err == nil {
		t.Errorf("no error, and found %q", problems)
	}
}

// A package that is imported, and that has nothing for a system, does not compile there.
func TestImportThatIsNotThere(t *testing.T) {
	t.Setenv("GOOS", "darwin")
	got, err := check(module(t, map[string]string{
		"a.go": "package m\n\nimport _ \"example.com/m/c\"\n", "c/c_linux.go": "package c\n",
	}), false, ".")
	if err != nil || len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), "build constraints exclude all Go files") {
		t.Errorf("found %q, %v", got, err)
	}
}
