package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"akv-injector/e2e/examples"
)

// halves are the two ways to write the same.
var halves = []string{"by-hand", "injected"}

// manifests are the columns of the README's table, and the names of the files.
var manifests = []string{"namespace", "serviceaccount", "secretproviderclass", "deployment"}

func TestLinesAreAsTheREADMESays(t *testing.T) {
	dir, err := examples.Dir("aks")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := []string{"| | " + strings.Join(manifests, " | ") + " | in all |"}
	for _, half := range halves {
		files, err := filepath.Glob(filepath.Join(dir, half, "*"))
		if err != nil {
			t.Fatal(err)
		}
		counts, sum := map[string]int{}, 0
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".yaml")
			if !slices.Contains(manifests, name) {
				t.Errorf("%s is not in the table", file)
			}
			if counts[name], err = examples.Lines(file); err != nil {
				t.Fatal(err)
			}
			sum += counts[name]
		}
		row := "| " + half + " |"
		for _, name := range manifests {
			if counts[name] > 0 {
				row += fmt.Sprintf(" %d", counts[name])
			}
			row += " |"
		}
		rows = append(rows, fmt.Sprintf("%s %d |", row, sum))
	}
	for _, row := range rows {
		if !strings.Contains(string(readme), row+"\n") {
			t.Errorf("the README lacks the row\n%s", row)
		}
	}
}

// A variable that no command sets would leave a hole in a manifest, without a word.
func TestManifestsHaveOnlyExportedVariables(t *testing.T) {
	dir, err := examples.Dir("aks")
	if err != nil {
		t.Fatal(err)
	}
	sections, err := examples.Sections(dir)
	if err != nil {
		t.Fatal(err)
	}
	exported := map[string]bool{}
	for _, section := range sections {
		for _, match := range regexp.MustCompile(`(?m)^export ([A-Z_]+(?:=.*)?(?: [A-Z_]+)*)$`).FindAllStringSubmatch(section.Script, -1) {
			for name := range strings.FieldsSeq(match[1]) {
				name, _, _ = strings.Cut(name, "=")
				exported[name] = true
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.yaml"))
	if err != nil || len(files) < 6 {
		t.Fatalf("manifests of both halves: %q, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`\$\{?([A-Za-z_]*)\}?`).FindAllStringSubmatch(string(text), -1) {
			if !exported[match[1]] {
				t.Errorf("%s: no command of the README exports %s", file, match[0])
			}
		}
	}
}

func TestSections(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# Title\n\n## One\n\ntext\n\n```sh\na\n# ## no heading\n```\n\n```sh\nb\n```\n\n## Two\n")
	got, err := examples.Sections(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []examples.Section{{Heading: "One", Script: "a\n# ## no heading\nb\n"}, {Heading: "Two"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// One that is not run would be one that nobody notices.
	write("## One\n\n```\na\n```\n")
	if got, err := examples.Sections(dir); err == nil {
		t.Errorf("a block without a language gives %q", got)
	}
}

func TestBlocksOfADocument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "document.md")
	text := "# Title\n```sh\nbefore\n```\n## One\n```sh\nfirst\n```\ntext\n```yaml\nnone: of ours\n```\n```sh\nsecond\nthird\n```\n## Two\n```sh\nafter\n```\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := examples.Blocks(file, "One")
	if err != nil || !slices.Equal(got, []string{"first\n", "second\nthird\n"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := examples.Blocks(file, "Three"); err == nil {
		t.Error("a heading that is not there was found")
	}
}
