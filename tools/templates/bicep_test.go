// The grammar is C. Without a C compiler the other tests are run.

//go:build cgo

package templates

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alexaandru/go-sitter-forest/bicep"
	sitter "github.com/tree-sitter/go-tree-sitter"
)

// There is no compiler of Bicep to be had as a Go module. This is its grammar, and what symbols stand for.
func TestBicep(t *testing.T) {
	parser := sitter.NewParser()
	defer parser.Close()
	if err := parser.SetLanguage(sitter.NewLanguage(bicep.GetLanguage())); err != nil {
		t.Fatal(err)
	}
	faulty := func(text string) bool {
		tree := parser.Parse([]byte(text), nil)
		defer tree.Close()
		return tree.RootNode().HasError()
	}
	if !faulty("resource a 'b@1' = {\n  name: \n") {
		t.Fatal("the grammar takes anything")
	}
	each(t, "bicep", func(t *testing.T, text string) {
		t.Helper()
		if faulty(text) {
			t.Error("not Bicep")
		}
		var declared []string
		for _, m := range regexp.MustCompile(`(?m)^resource (\w+) `).FindAllStringSubmatch(text, -1) {
			if slices.Contains(declared, m[1]) {
				t.Errorf("%s is declared twice", m[1])
			}
			declared = append(declared, m[1])
		}
		used := regexp.MustCompile(`(?m)(?:: | = |^    )(\w+)(?:\.(?:properties|id)\b|$)`).FindAllStringSubmatch(text, -1)
		if len(used) == 0 {
			t.Error("nothing is used")
		}
		for _, m := range used {
			if !slices.Contains(declared, m[1]) {
				t.Errorf("%s is not declared", m[1])
			}
		}
		names := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)Microsoft.Resources/deployments.*\n  name: '(.*)'`).FindAllStringSubmatch(text, -1) {
			if len(m[1]) > 64 || names[strings.ToLower(m[1])] {
				t.Errorf("%q is not a name of a deployment, or is there twice", m[1])
			}
			names[strings.ToLower(m[1])] = true
		}
	})
}
