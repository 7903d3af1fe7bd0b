package controlplane

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAbandonedRunsAreRemovedAndLivingOnesStay(t *testing.T) {
	parent := t.TempDir()
	living, err := newRunDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	abandoned, err := newRunDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	abandoned.lock.Close() // as the kernel does for a process that was killed
	kept, err := newRunDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.close(true); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(parent, runPrefix+"foreign")
	if err := os.Mkdir(foreign, 0o755); err != nil {
		t.Fatal(err)
	}

	next, err := newRunDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		living.Path: true, kept.Path: true, foreign: true, next.Path: true, abandoned.Path: false,
	} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", filepath.Base(path), err == nil, want)
		}
	}
	if err := living.close(false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(living.Path); !os.IsNotExist(err) {
		t.Errorf("a closed run's folder: %v, want none", err)
	}
	next.close(false)
}
