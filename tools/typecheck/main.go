// typecheck reports what of Go packages and their tests does not compile for the system
// that GOOS and GOARCH name. It reads the packages that they import from source, and only
// what those declare, where go vet and go build compile all of them first.
//
//	typecheck [-tests=false] PACKAGE…
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"golang.org/x/tools/go/packages"
)

func main() {
	tests := flag.Bool("tests", true, "check the packages' tests too")
	flag.Parse()
	problems, err := check(".", *tests, flag.Args()...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "typecheck:", err)
		os.Exit(2)
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

// check loads the packages that the patterns name in a folder.
func check(dir string, tests bool, patterns ...string) ([]string, error) {
	found, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedDeps | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesSizes,
		Dir: dir, Tests: tests,
	}, patterns...)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("no packages")
	}
	var problems []string
	reported := map[string]bool{} // what a package and its test variant share is found twice
	for p := range packages.Postorder(found) {
		for _, e := range p.Errors {
			if text := e.Error(); !reported[text] {
				reported[text] = true
				problems = append(problems, text)
			}
		}
	}
	return problems, nil
}
