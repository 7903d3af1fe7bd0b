package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Ensure gives the path of each named program, making those that the cache
// lacks, one after the other: the go command uses every core by itself. What the
// next ones are made of is downloaded meanwhile. Several runs may call it at once; each program is made by one of them while the
// others wait. Progress goes to log (nil: nowhere), and nothing is written when
// the cache has all.
func Ensure(ctx context.Context, log io.Writer, names ...string) (map[string]string, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	paths := make(map[string]string, len(names))
	recipes := make(map[string]*recipe, len(names))
	var todo []*recipe
	for _, name := range names {
		if _, ok := packages[name]; ok {
			continue
		}
		r, err := readRecipe(embedded, name)
		if err != nil {
			return nil, err
		}
		recipes[name] = r
		if made, err := exists(r.path(cache)); err != nil {
			return nil, err
		} else if !made {
			todo = append(todo, r)
		}
	}
	schedule(todo)
	ctx, cancel := context.WithCancel(ctx)
	downloads := downloadAhead(ctx, todo)
	defer func() { cancel(); <-downloads }()
	for _, name := range names {
		var err error
		if r := recipes[name]; r != nil {
			paths[name], err = r.ensure(ctx, log, cache)
		} else {
			paths[name], err = packages[name].ensure(ctx, log, cache)
		}
		if err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// CacheDir is the folder that keeps what was built: $AKV_CACHE, else akv-injector
// in the user's cache folder. Deleting it costs a build, nothing else.
func CacheDir() (string, error) {
	if dir := os.Getenv("AKV_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep built programs in, set AKV_CACHE: %w", err)
	}
	return filepath.Join(dir, "akv-injector"), nil
}

func (r *recipe) ensure(ctx context.Context, log io.Writer, cache string) (string, error) {
	path := r.path(cache)
	err := install(ctx, log, path, r.name+" "+r.version, func(workspace string) error {
		return r.build(ctx, log, workspace)
	})
	if err != nil {
		return "", fmt.Errorf("building %s %s: %w", r.name, r.version, err)
	}
	return path, nil
}

// path is where the program is once it is made.
func (r *recipe) path(cache string) string { return filepath.Join(cache, r.key(), r.name) }

// install has the program at path made, unless it is there: fill makes the folder
// "out" of a workspace, which then becomes the program's. The title is for people.
func install(ctx context.Context, log io.Writer, path, title string, fill func(workspace string) error) error {
	if made, err := exists(path); made || err != nil {
		return err
	}
	installed := filepath.Dir(path)
	if err := os.MkdirAll(filepath.Dir(installed), 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, installed+".lock", func() {
		report(log, "waiting for another run that builds %s\n", title)
	})
	if err != nil {
		return err
	}
	defer unlock()
	if made, err := exists(path); made || err != nil {
		return err
	}

	// We hold the lock, so a folder of this name was left by a run that was killed.
	workspace := installed + ".building"
	if err := os.RemoveAll(workspace); err != nil {
		return err
	}
	defer os.RemoveAll(workspace)
	if err := fill(workspace); err != nil {
		return err
	}
	// Until this rename no reader sees any of it, and then all of it.
	return os.Rename(filepath.Join(workspace, "out"), installed)
}

// build makes the program as workspace/out/<name>.
func (r *recipe) build(ctx context.Context, log io.Writer, workspace string) error {
	module := filepath.Join(workspace, "module")
	if err := r.write(module); err != nil {
		return err
	}
	args := append([]string{"build", "-o", filepath.Join(workspace, "out", r.name)}, r.goFlags()...)
	done := progress(log, 0, "%s", r.title())
	// Without cgo the program runs on any Linux, whatever C library it has.
	_, err := runGo(ctx, module, []string{"CGO_ENABLED=0"}, append(args, r.mainPackage)...)
	done(err)
	return err
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
