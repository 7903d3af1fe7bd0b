package rundir

import (
	"os"
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
	next, err := New(parent, prefix, func(path string) { told = append(told, path) })
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
