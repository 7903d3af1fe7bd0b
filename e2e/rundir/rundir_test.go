package rundir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestAbandonedRunsAreRemovedAndLivingOnesStay(t *testing.T) {
	const prefix = "run-"
	parent := t.TempDir()
	make := func() *Dir {
		t.Helper()
		d, err := New(parent, prefix, nil)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	living, abandoned := make(), make()
	abandoned.lock.Close() // as the kernel does for a process that was killed
	foreign := filepath.Join(parent, prefix+"foreign")
	if err := os.Mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}

	var told []string
	next, err := New(parent, prefix, func(path string) error { told = append(told, path); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{abandoned.Path}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
	kept := make()
	if err := kept.Close(true); err != nil {
		t.Fatal(err)
	}
	other, err := New(parent, "other-", nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		living.Path: true, kept.Path: true, foreign: true, next.Path: true, other.Path: true, abandoned.Path: false,
	} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", filepath.Base(path), err == nil, want)
		}
	}
	for _, d := range []*Dir{living, next, other} {
		if err := d.Close(false); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(d.Path); !os.IsNotExist(err) {
			t.Errorf("a closed run's folder: %v, want none", err)
		}
	}
}

// What a run left elsewhere is known by its folder's name alone.
func TestAFolderStaysUntilAllOfItsRunIsGone(t *testing.T) {
	const prefix = "run-"
	parent := t.TempDir()
	d, err := New(parent, prefix, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Abandon(); err != nil {
		t.Fatal(err)
	}
	busy := errors.New("busy")
	if err := Sweep(parent, prefix, func(string) error { return busy }); !errors.Is(err, busy) {
		t.Errorf("error is %v, want %v", err, busy)
	}
	if _, err := os.Stat(filepath.Join(d.Path, "file")); err != nil {
		t.Errorf("the folder is gone while the run is not: %v", err)
	}
	if err := Sweep(parent, prefix, func(string) error { return nil }); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.Path); !os.IsNotExist(err) {
		t.Errorf("the folder of a run that is gone: %v, want none", err)
	}
}

// Programs that a killed run has started may go on in its folder for a while.
func TestAnInheritedLockKeepsTheFolder(t *testing.T) {
	parent := t.TempDir()
	d, err := New(parent, "run-", nil)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("cat")
	child.ExtraFiles = []*os.File{d.Lock()}
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if err := d.Abandon(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if err := Sweep(parent, "run-", nil); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(d.Path); (err == nil) != want {
			t.Errorf("the folder is there: %t, want %t", err == nil, want)
		}
		if want {
			in.Close()
			if err := child.Wait(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
