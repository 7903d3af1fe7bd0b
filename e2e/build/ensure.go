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

// Ensure gives the path of each named program, building those that the cache
// lacks, one after the other: the go command uses every core by itself. Several
// runs may call it at once; each program is built by one of them while the
// others wait. Progress goes to log (nil: nowhere), and nothing is written when
// all is built.
func Ensure(ctx context.Context, log io.Writer, names ...string) (map[string]string, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	paths := make(map[string]string, len(names))
	for _, name := range names {
		r, err := readRecipe(embedded, name)
		if err != nil {
			return nil, err
		}
		if paths[name], err = r.ensure(ctx, log, cache); err != nil {
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
	installed := filepath.Join(cache, r.key())
	path := filepath.Join(installed, r.name)
	if built, err := exists(path); built || err != nil {
		return path, err
	}

	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, installed+".lock", func() {
		report(log, "waiting for another run that builds %s %s\n", r.name, r.version)
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if built, err := exists(path); built || err != nil {
		return path, err
	}

	// We hold the lock, so a folder of this name was left by a run that was killed.
	workspace := installed + ".building"
	if err := os.RemoveAll(workspace); err != nil {
		return "", err
	}
	defer os.RemoveAll(workspace)
	if err := r.build(ctx, log, workspace); err != nil {
		return "", fmt.Errorf("building %s %s: %w", r.name, r.version, err)
	}
	// Until this rename nobody sees anything of it, and then all of it.
	if err := os.Rename(filepath.Join(workspace, "out"), installed); err != nil {
		return "", err
	}
	return path, nil
}

// build makes the program as workspace/out/<name>.
func (r *recipe) build(ctx context.Context, log io.Writer, workspace string) error {
	module := filepath.Join(workspace, "module")
	if err := r.write(module); err != nil {
		return err
	}
	args := append([]string{"build", "-o", filepath.Join(workspace, "out", r.name)}, r.goFlags()...)
	done := progress(log, 0, "building %s %s (about %s on 2 cores)", r.name, r.version, spoken(r.takes))
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
