package templates

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Terraform's own language and layout, and nothing that is not declared.
func TestTerraform(t *testing.T) {
	each(t, "terraform", func(t *testing.T, text string) {
		t.Helper()
		file, diagnostics := hclsyntax.ParseConfig([]byte(text), "setup.tf", hcl.InitialPos)
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics)
		}
		if got := hclwrite.Format([]byte(text)); !bytes.Equal(got, []byte(text)) {
			t.Errorf("terraform fmt would write\n%s", got)
		}
		body := file.Body.(*hclsyntax.Body)
		declared := map[string]bool{}
		for _, b := range body.Blocks {
			address := strings.Join(append([]string{b.Type}, b.Labels...), ".")
			if declared[address] {
				t.Errorf("%s is declared twice", address)
			}
			declared[address] = true
		}
		uses := 0
		for _, b := range body.Blocks {
			for _, attribute := range b.Body.Attributes {
				for _, traversal := range attribute.Expr.Variables() {
					var parts []string
					for _, step := range traversal {
						switch step := step.(type) {
						case hcl.TraverseRoot:
							parts = append(parts, step.Name)
						case hcl.TraverseAttr:
							parts = append(parts, step.Name)
						}
					}
					if parts[0] != "data" {
						parts = append([]string{"resource"}, parts...)
					}
					uses++
					if address := strings.Join(parts[:3], "."); !declared[address] {
						t.Errorf("%s is not declared", address)
					}
				}
			}
		}
		if uses == 0 {
			t.Error("nothing is used")
		}
	})
}
