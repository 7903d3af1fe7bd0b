package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/modfile"
)

// productModule is the module that the tests are about.
const productModule = "akv-injector"

// Product builds a main package of our own module, such as "./cmd/akv-injector",
// from the working tree, with that module's own dependencies, and gives the
// program's path. Further flags, such as "-race", go to go build. A process builds
// it once, and Go's build cache makes that cheap; log (nil: nowhere) hears of a build
// that takes longer than a second.
func Product(ctx context.Context, log io.Writer, pkg string, flags ...string) (string, error) {
	root, err := productRoot()
	if err != nil {
		return "", err
	}
	return buildHere(ctx, log, root, pkg, flags...)
}

// Own is [Product] for a main package of the tests' own module, such as
// "./images/pause".
func Own(ctx context.Context, log io.Writer, pkg string, flags ...string) (string, error) {
	root, err := productRoot()
	if err != nil {
		return "", err
	}
	return buildHere(ctx, log, filepath.Join(root, "e2e"), pkg, flags...)
}

// built are the programs of this process, by what they are built of. Go takes a second of
// processor time only to find that nothing changed, and one test starts many programs.
var (
	built      = map[string]string{}
	buildMutex sync.Mutex
)

// buildHere builds a main package of the module in the folder root, once.
func buildHere(ctx context.Context, log io.Writer, root, pkg string, flags ...string) (string, error) {
	buildMutex.Lock()
	defer buildMutex.Unlock()
	key := fmt.Sprintf("%q %q %q", root, pkg, flags)
	if program, ok := built[key]; ok {
		return program, nil
	}
	program, err := buildAnew(ctx, log, root, pkg, flags...)
	if err == nil {
		built[key] = program
	}
	return program, err
}

func buildAnew(ctx context.Context, log io.Writer, root, pkg string, flags ...string) (string, error) {
	dir, err := productDir(root, flags)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	name := path.Base(filepath.ToSlash(pkg))
	if pkg == "." {
		name = filepath.Base(root)
	}
	sweep(dir)
	scratch, err := os.MkdirTemp(dir, "."+name+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)

	env := []string{"CGO_ENABLED=0"} // as released
	if slices.Contains(flags, "-race") {
		env = []string{"CGO_ENABLED=1"} // the race detector is written in C
	}
	// Without paths of this checkout, another one finds compiled what has not changed.
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(scratch, name)}, flags...)
	program := filepath.Join(dir, name)
	// Go links nothing anew where it finds what it would make.
	if err := copyProgram(program, filepath.Join(scratch, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	done := progress(log, time.Second, "building %s", name)
	_, err = runGo(ctx, root, env, append(args, pkg)...)
	done(err)
	if err != nil {
		return "", fmt.Errorf("building %s: %w", pkg, err)
	}
	// A rename never disturbs who runs the program that it replaces.
	return program, os.Rename(filepath.Join(scratch, name), program)
}

// productDir is where programs of the module in root are that were built with flags: two checkouts may be tested at once.
func productDir(root string, flags []string) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q", root, flags))
	return filepath.Join(cache, "product-"+hex.EncodeToString(sum[:6])), nil
}

func copyProgram(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// sweep removes folders that killed runs have left where programs are made: those that
// are older than any build.
func sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, ".*-*"))
	for _, scratch := range left {
		// One that cannot be removed now may be later, and another run may do the same.
		if info, err := os.Stat(scratch); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(scratch)
		}
	}
}

// productRoot finds our module's folder: the nearest above the working folder,
// which in a test is the folder of the test's package.
func productRoot() (string, error) {
	working, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := working; ; dir = filepath.Dir(dir) {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if modfile.ModulePath(content) == productModule {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no module %s above %s: run this inside its repository", productModule, working)
		}
	}
}
