package build

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const helloSource = `package main

import "fmt"

func main() { fmt.Print("hello") }
`

func TestRunsAtOnceBuildOnce(t *testing.T) {
	cache := t.TempDir()
	// What a killed run leaves must not matter.
	if err := os.MkdirAll(filepath.Join(cache, hello(helloSource).key()+".building", "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	logs := make([]bytes.Buffer, 4)
	var runs sync.WaitGroup
	for i := range logs {
		runs.Go(func() {
			path, err := hello(helloSource).ensure(t.Context(), &logs[i], cache)
			if err != nil {
				t.Error(err)
				return
			}
			if out, err := exec.Command(path).Output(); string(out) != "hello" {
				t.Errorf("the program says %q, %v", out, err)
			}
		})
	}
	runs.Wait()
	builds := 0
	for i := range logs {
		builds += strings.Count(logs[i].String(), "building hello v1 (about 0 s on 2 cores) … ")
	}
	if builds != 1 {
		t.Errorf("built %d times, want once", builds)
	}

	var log bytes.Buffer
	if _, err := hello(helloSource).ensure(t.Context(), &log, cache); err != nil || log.Len() > 0 {
		t.Errorf("when it is built: %v, says %q", err, log.String())
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "*.building")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFailedBuildSaysWhy(t *testing.T) {
	cache := t.TempDir()
	var log bytes.Buffer
	_, err := hello("package main\n\nfunc main() { undefinedName() }\n").ensure(t.Context(), &log, cache)
	if err == nil {
		t.Fatal("built what does not compile")
	}
	for _, want := range []string{"building hello v1: go build", "undefined: undefinedName"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error has no %q: %v", want, err)
		}
	}
	if !strings.Contains(log.String(), "… failed after ") {
		t.Errorf("the log is %q", log.String())
	}
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".lock") {
			t.Errorf("left behind: %s", entry.Name())
		}
	}
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, path, cancel); err == nil {
		t.Error("two have the lock")
	}
}

func TestUnknownProgram(t *testing.T) {
	if _, err := Ensure(t.Context(), nil, "kube-nothing"); err == nil || !strings.Contains(err.Error(), `"kube-nothing"`) {
		t.Errorf("error is %v", err)
	}
}

func TestSpoken(t *testing.T) {
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond:   "0 s",
		42 * time.Second:         "42 s",
		59600 * time.Millisecond: "1 min",
		5 * time.Minute:          "5 min",
		272 * time.Second:        "4 min 32 s",
	} {
		if got := spoken(d); got != want {
			t.Errorf("%s is spoken %q, want %q", d, got, want)
		}
	}
}
