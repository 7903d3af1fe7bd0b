package controlplane

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	runPrefix   = "akv-controlplane-"
	runLockFile = "lock"
)

// runDir is the folder that has all files of one run. Its lock file is locked
// for as long as the run's process lives, however that ends.
type runDir struct {
	Path string
	lock *os.File
}

// newRunDir makes a run's folder in parent, after removing those that killed
// runs have left there.
func newRunDir(parent string) (*runDir, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	removeAbandoned(parent)
	path, err := os.MkdirTemp(parent, runPrefix)
	if err != nil {
		return nil, err
	}
	dir := &runDir{Path: path}
	// The file appears under its name when it is locked already, so that nobody
	// can take this run for an abandoned one.
	unnamed := filepath.Join(path, runLockFile+".new")
	if dir.lock, err = os.Create(unnamed); err == nil {
		err = unix.Flock(int(dir.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == nil {
		err = os.Rename(unnamed, filepath.Join(path, runLockFile))
	}
	if err != nil {
		os.RemoveAll(path)
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return dir, nil
}

// close ends the run's claim to its folder, and removes it unless it is to be kept.
func (d *runDir) close(keep bool) error {
	defer d.lock.Close()
	if keep {
		// Without its lock file nobody takes it for abandoned later.
		return os.Remove(filepath.Join(d.Path, runLockFile))
	}
	return os.RemoveAll(d.Path)
}

// removeAbandoned removes the folders of runs whose process is gone. One that
// cannot be removed now may be later: that is no reason not to start.
func removeAbandoned(parent string) {
	locks, _ := filepath.Glob(filepath.Join(parent, runPrefix+"*", runLockFile))
	for _, name := range locks {
		lock, err := os.Open(name)
		if err != nil {
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(filepath.Dir(name))
		}
		lock.Close()
	}
}
