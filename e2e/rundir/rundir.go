// Package rundir makes the folder that has all files of one run, and removes those
// that killed runs have left.
package rundir

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const lockFile = "lock"

// Dir is the folder of one run. Its lock file is locked for as long as the run's
// process lives, however that ends.
type Dir struct {
	Path string
	lock *os.File
}

// New makes a run's folder in parent (empty: the system's folder for temporary files),
// after removing those of this prefix whose process is gone. For each of those
// abandoned, if not nil, is called first, so that what they left elsewhere can go too.
func New(parent, prefix string, abandoned func(path string)) (*Dir, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	removeAbandoned(parent, prefix, abandoned)
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	dir := &Dir{Path: path}
	// The file appears under its name when it is locked already, so that nobody
	// can take this run for an abandoned one.
	unnamed := filepath.Join(path, lockFile+".new")
	if dir.lock, err = os.Create(unnamed); err == nil {
		err = unix.Flock(int(dir.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == nil {
		err = os.Rename(unnamed, filepath.Join(path, lockFile))
	}
	if err != nil {
		os.RemoveAll(path)
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return dir, nil
}

// Close ends the run's claim to its folder, and removes it unless it is to be kept.
func (d *Dir) Close(keep bool) error {
	defer d.lock.Close()
	if keep {
		// Without its lock file nobody takes it for abandoned later.
		return os.Remove(filepath.Join(d.Path, lockFile))
	}
	return os.RemoveAll(d.Path)
}

// removeAbandoned removes the folders of runs whose process is gone. One that
// cannot be removed now may be later: that is no reason not to start.
func removeAbandoned(parent, prefix string, abandoned func(path string)) {
	locks, _ := filepath.Glob(filepath.Join(parent, prefix+"*", lockFile))
	for _, name := range locks {
		lock, err := os.Open(name)
		if err != nil {
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			if abandoned != nil {
				abandoned(filepath.Dir(name))
			}
			os.RemoveAll(filepath.Dir(name))
		}
		lock.Close()
	}
}
