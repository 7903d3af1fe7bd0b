package build

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/modfile"
)

//go:embed recipes standins
var embedded embed.FS

// recipe is everything that decides what a program's binary is.
type recipe struct {
	program
	name        string
	version     string // of the module that has the main package
	mainPackage string
	files       map[string][]byte // of the workspace, by slash-separated path
	// place among what is to be built; see schedule.
	place place
}

// readRecipe reads the recipe of the named program from the recipes folder of fsys.
func readRecipe(fsys fs.FS, name string) (*recipe, error) {
	known, ok := programs[name]
	if !ok {
		return nil, fmt.Errorf("no recipe for a program %q", name)
	}
	r := &recipe{program: known, name: name, files: map[string][]byte{}}
	if err := r.add(fsys, path.Join("recipes", cmp.Or(known.folder, name)), ""); err != nil {
		return nil, fmt.Errorf("recipe of %s: %w", name, err)
	}
	if err := r.readModule(fsys); err != nil {
		return nil, fmt.Errorf("recipe of %s: %w", name, err)
	}
	return r, nil
}

// add takes the files of a folder of fsys into that folder of the workspace.
func (r *recipe) add(fsys fs.FS, folder, into string) error {
	return fs.WalkDir(fsys, folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(fsys, file)
		if err != nil {
			return err
		}
		r.files[workspacePath(path.Join(into, strings.TrimPrefix(file, folder+"/")))] = content
		return nil
	})
}

// workspacePath gives a recipe's file the name that the go command wants.
func workspacePath(file string) string {
	dir, base := path.Split(file)
	switch base {
	case "module.mod":
		base = "go.mod"
	case "module.sum":
		base = "go.sum"
	}
	// A program of our own: under this name Go does not take it for a part of this module.
	base = strings.TrimSuffix(base, ".txt")
	return dir + base
}

// readModule takes the main package and its version from the recipe's go.mod, and
// the stand-ins that it replaces modules by.
func (r *recipe) readModule(fsys fs.FS) error {
	mod, err := modfile.Parse("module.mod", r.files["go.mod"], nil)
	if err != nil {
		return err
	}
	for _, tool := range mod.Tool {
		// The only tool may be called what it likes, such as ".../server/v3".
		if len(mod.Tool) == 1 || path.Base(tool.Path) == r.name {
			r.mainPackage = tool.Path
		}
	}
	if len(mod.Tool) == 0 && r.files["main.go"] != nil {
		return r.readOwn(fsys, mod)
	}
	if r.mainPackage == "" {
		return fmt.Errorf("module.mod has %d tool directives: want %s's main package as the only one,"+
			" or one whose path ends in that name", len(mod.Tool), r.name)
	}
	module := ""
	for _, required := range mod.Require {
		p := required.Mod.Path
		inside := r.mainPackage == p || strings.HasPrefix(r.mainPackage, p+"/")
		if inside && len(p) > len(module) {
			module, r.version = p, required.Mod.Version
		}
	}
	if module == "" {
		return fmt.Errorf("module.mod requires no module that has %s", r.mainPackage)
	}
	return r.addStandins(fsys, mod)
}

// readOwn is readModule for a main package that lies beside the recipe's go.mod, since the module has none that a proxy serves.
// What it is made of is the one module that is required directly and called as the program is.
func (r *recipe) readOwn(fsys fs.FS, mod *modfile.File) error {
	r.mainPackage = "."
	for _, required := range mod.Require {
		if path.Base(required.Mod.Path) == r.name {
			r.version = required.Mod.Version
		}
	}
	if r.version == "" {
		return fmt.Errorf("module.mod requires no module that is called %s", r.name)
	}
	return r.addStandins(fsys, mod)
}

// addStandins adds the stand-ins that modules are replaced by.
func (r *recipe) addStandins(fsys fs.FS, mod *modfile.File) error {
	for _, replace := range mod.Replace {
		// With a version it is another module's content, not a folder's.
		if name, local := strings.CutPrefix(replace.New.Path, "./"); local && replace.New.Version == "" {
			if err := r.add(fsys, path.Join("standins", name), name); err != nil {
				return fmt.Errorf("stand-in for %s: %w", replace.Old.Path, err)
			}
		}
	}
	return nil
}

// key names the recipe's result: equal keys, equal programs. The version of Go
// is left out, for a new Go must not cost everybody ten minutes.
func (r *recipe) key() string {
	sum := sha256.New()
	// fmt prints a map in the order of its keys.
	fmt.Fprintf(sum, "%s/%s %q %q", runtime.GOOS, runtime.GOARCH, r.goFlags(), r.files)
	return fmt.Sprintf("%s-%s-%s", r.name, r.version, hex.EncodeToString(sum.Sum(nil))[:12])
}

// goFlags are the flags of go build.
func (r *recipe) goFlags() []string {
	ldflags := "-s -w"
	if r.ldflags != nil {
		ldflags += " " + r.ldflags(r.version)
	}
	// -mod=readonly: what the recipe's go.sum does not pin is not built.
	// Nobody debugs these programs, and what the linker would leave out (-s -w) need not be compiled: a tenth of the time.
	flags := []string{"-mod=readonly", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", "-ldflags", ldflags}
	if len(r.tags) > 0 {
		flags = append(flags, "-tags", strings.Join(r.tags, ","))
	}
	return flags
}

// write writes the module into dir, where the go command can build it.
func (r *recipe) write(dir string) error {
	for file, content := range r.files {
		target := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
