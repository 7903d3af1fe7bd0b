package narrow_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/webhook/narrow"
)

var podKind = metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}

// elsewhere are fields of other kinds with a name that is left out, by the file that reads them.
var elsewhere = map[string][]string{
	"inject/provider/driver.go": {"Image"}, "inject/provider/record.go": {"ManagedFields"}, "webhook/driver.go": {"Image"},
	"webhook/class_contents.go": {"ManagedFields"}, "webhook/admission.go": {"Extra"}, "webhook/kinds.go": {"Extra"},
}

// No code that decides on pods names a field that is left out.
func TestLeftOut(t *testing.T) {
	var fields []string
	for of, names := range narrow.LeftOut {
		for _, name := range names {
			found := false
			for f := range of.Fields() {
				if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
					fields, found = append(fields, f.Name), true
				}
			}
			if !found {
				t.Errorf("%s has no field %s", of, name)
			}
		}
	}
	for _, folder := range []string{"inject", "webhook"} {
		err := filepath.WalkDir(filepath.Join("../..", folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			name := filepath.ToSlash(strings.TrimPrefix(path, "../../"))
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(fields, s.Sel.Name) && !slices.Contains(elsewhere[name], s.Sel.Name) {
					t.Errorf("%s reads %s, which package narrow leaves out: take it off the list there, or say here whose it is", name, s.Sel.Name)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
