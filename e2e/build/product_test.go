package build

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOnlyOldScratchFoldersAreRemoved(t *testing.T) {
	dir := t.TempDir()
	old, young, program := filepath.Join(dir, ".az-1"), filepath.Join(dir, ".az-2"), filepath.Join(dir, "az-tool")
	for path, age := range map[string]time.Duration{old: 2 * time.Hour, young: 0, program: 2 * time.Hour} {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	sweep(dir)
	for path, want := range map[string]bool{old: false, young: true, program: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", filepath.Base(path), err == nil, want)
		}
	}
}
