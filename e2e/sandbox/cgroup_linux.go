package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"akv-injector/internal/testing/await"
)

// emptying is how long the kernel may take to let go of the cgroups of a program that has
// been killed.
var emptying = await.Poll{Limit: 10 * time.Second}

// removeCgroups removes the cgroup of that name, with all below it, from every
// hierarchy: version 2 has one, version 1 one for each controller. A cgroup can be
// removed a moment after its last process has ended, when the kernel has let go of it.
func removeCgroups(name string) error {
	const root = "/sys/fs/cgroup"
	// Never more than one folder below the root: the name must not be empty.
	if name == "" {
		return nil
	}
	found, err := filepath.Glob(filepath.Join(root, "*", name))
	if err != nil {
		return err
	}
	var errs []error
	for _, top := range append(found, filepath.Join(root, name)) {
		errs = append(errs, emptying.Retry(top+" to be removed", func() error { return removeTree(top) }))
	}
	return errors.Join(errs...)
}

// removeTree removes folders from the deepest up. Their files are the kernel's: they
// go with the folder, and cannot be removed by themselves.
func removeTree(top string) error {
	var folders []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			folders = append(folders, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, folder := range slices.Backward(folders) {
		if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
