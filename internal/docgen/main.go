// The docgen command writes the parts of the docs that follow from the code, so that the two
// cannot differ: docs/rules.md from the rules, the tables of annotations from the
// vocabulary, the example of a rule from its file, and the picture of the architecture from the
// imports.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: docgen REPOSITORY")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(root string) error {
	if err := os.WriteFile(filepath.Join(root, "docs", "rules.md"), []byte(rulesDocument()), 0o644); err != nil {
		return err
	}
	if err := replace(filepath.Join(root, "docs", "annotations.md"), "annotations", annotationTable(false)); err != nil {
		return err
	}
	if err := replace(filepath.Join(root, "README.md"), "annotations", annotationTable(true)); err != nil {
		return err
	}
	for name, table := range map[string]string{"checks": doctorTable(), "words": wordsTable()} {
		if err := replace(filepath.Join(root, "docs", "doctor.md"), name, table); err != nil {
			return err
		}
	}
	if err := writeMetrics(root); err != nil {
		return err
	}
	if err := writeValues(root); err != nil {
		return err
	}
	if err := writeFence(root); err != nil {
		return err
	}
	if err := writePolicies(root); err != nil {
		return err
	}
	if err := writeExample(root); err != nil {
		return err
	}
	return writeArchitecture(root)
}

// replace puts text between the two comments of that name in a Markdown file.
func replace(file, name, text string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+": written by go generate -->\n", "<!-- end of "+name+" -->\n"
	before, rest, ok := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s: wants the lines %q and %q", file, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return os.WriteFile(file, []byte(before+begin+"\n"+text+"\n"+end+after), 0o644)
}
