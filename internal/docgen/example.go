package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// exampleRule is the file that docs/add-a-rule.md shows, without its imports.
const exampleRule = "inject/rules/volume_not_readonly.go"

// writeExample puts a rule into the page about adding one.
func writeExample(root string) error {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(exampleRule)))
	if err != nil {
		return err
	}
	_, code, ok := strings.Cut(string(text), "\n)\n\n")
	if !ok {
		return fmt.Errorf("%s: there is nothing below its imports", exampleRule)
	}
	return replace(filepath.Join(root, "docs", "add-a-rule.md"), "rule", "```go\n"+code+"```\n")
}
