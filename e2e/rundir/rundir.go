// Package rundir makes the folder that has all files of one run, and removes those
// that killed runs have left.
package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"akv-injector/internal/testing/await"
)

const lockFile = "lock"

// settling is for a folder that programs which are being ended may still write to.
var settling = await.Poll{Limit: 10 * time.Second}

// Dir is the folder of one run. Its lock file is locked for as long as the run's
// process lives, however that ends.
type Dir struct {
	Path string
	lock *os.File
}

// New makes a run's folder in parent (empty: the system's folder for temporary files),
// after removing those of this prefix whose process is gone, as [Sweep] does. What
// cannot be removed now may be later: that is no reason not to start.
func New(parent, prefix string, abandoned func(path string) error) (*Dir, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	_ = Sweep(parent, prefix, abandoned)
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

// Lock is the locked file. A program that inherits it keeps the folder from being taken
// for abandoned for as long as it, or one that it started, lives.
func (d *Dir) Lock() *os.File { return d.lock }

// Close ends the run's claim to its folder, and removes it unless it is to be kept.
func (d *Dir) Close(keep bool) error {
	defer d.lock.Close()
	if keep {
		// Without its lock file nobody takes it for abandoned later.
		return os.Remove(filepath.Join(d.Path, lockFile))
	}
	return settling.Retry(d.Path+" to be removed", func() error { return remove(d.Path) })
}

// Abandon ends the run's claim and leaves its folder to the next run, as if this one had
// been killed: for when the folder names something that could not be removed.
func (d *Dir) Abandon() error { return d.lock.Close() }

// Sweep removes the folders of a prefix in parent whose run's process is gone. For each of
// them abandoned, if not nil, is called first, so that what the run left elsewhere can go
// too. If it fails the folder stays, for it is all that tells of the run.
func Sweep(parent, prefix string, abandoned func(path string) error) error {
	locks, err := filepath.Glob(filepath.Join(parent, prefix+"*", lockFile))
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range locks {
		lock, err := os.Open(name)
		if err != nil {
			continue // another run has just removed it
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			errs = append(errs, removeAbandoned(filepath.Dir(name), abandoned))
		}
		lock.Close()
	}
	return errors.Join(errs...)
}

func removeAbandoned(path string, abandoned func(path string) error) error {
	var err error
	if abandoned != nil {
		err = abandoned(path)
	}
	if err == nil {
		err = remove(path)
	}
	if err != nil {
		return fmt.Errorf("removing what is left of %s: %w", path, err)
	}
	return nil
}

// remove removes a run's folder, its lock file last: as long as anything is there, the
// next run has to find it.
func remove(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != lockFile {
			if err := os.RemoveAll(filepath.Join(path, entry.Name())); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(path)
}
