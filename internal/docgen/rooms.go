package main

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the import path of the repository.
const module = "akv-injector"

// built reports whether a file is part of the programs as they are built: that of the tag compare is for tests.
func built(file *ast.File) bool {
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if !constraint.IsGoBuild(comment.Text) {
				continue
			}
			if expression, err := constraint.Parse(comment.Text); err == nil && !expression.Eval(func(tag string) bool { return tag != "compare" }) {
				return false
			}
		}
	}
	return true
}

// imports reads which packages of the module import which others of it. Tests do not count:
// they may look at everything. The keys and values are folders: inject/rules.
func imports(root string) (map[string][]string, error) {
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skip(root, file)
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil || !built(parsed) {
			return err
		}
		room := filepath.ToSlash(folder)
		if found[room] == nil {
			found[room] = []string{}
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if other, ok := strings.CutPrefix(name, module+"/"); ok {
				found[room] = append(found[room], path.Clean(other))
			}
		}
		return nil
	})
	for room, others := range found {
		slices.Sort(others)
		found[room] = slices.Compact(others)
	}
	return found, err
}

// skip leaves out folders that hold no package of this module.
func skip(root, folder string) error {
	if folder == root {
		return nil
	}
	name := filepath.Base(folder)
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
		return filepath.SkipDir // a module of its own
	}
	return nil
}
