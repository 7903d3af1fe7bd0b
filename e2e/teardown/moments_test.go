package teardown_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"akv-injector/e2e/sandbox"
	"akv-injector/internal/testing/await"
)

// TestInterruptAtAnyMoment interrupts sandboxes that are being made, as a terminal does:
// all of their processes at once, some of which may not listen yet.
func TestInterruptAtAnyMoment(t *testing.T) {
	if err := sandbox.Supported(); err != nil {
		t.Skip("left out:", err)
	}
	for _, delay := range []int{0, 1, 2, 3, 5, 8, 12, 20, 50, 200} {
		t.Run(fmt.Sprintf("%d ms after its folder", delay), func(t *testing.T) {
			t.Parallel()
			before := look(t, nil)
			c := begin(t, t.TempDir(), ending{role: roleEmpty, signal: syscall.SIGINT, group: true})
			run := awaitFolder(t, c)
			time.Sleep(time.Duration(delay) * time.Millisecond) // the moment is what is tested
			c.interrupt(t)
			awaitGone(t, before, []string{run}, "")
			wantEmpty(t, c)
		})
	}
}

// TestKilledSandboxIsSwept kills the process outside, which cannot remove anything then.
func TestKilledSandboxIsSwept(t *testing.T) {
	if err := sandbox.Supported(); err != nil {
		t.Skip("left out:", err)
	}
	before := look(t, nil)
	c := begin(t, t.TempDir(), ending{role: roleEmpty, signal: syscall.SIGKILL, code: -1})
	run := awaitFolder(t, c)
	c.awaitUp(t)
	seen(t, run, 2)
	c.end(t)
	// At once: the next run is the one that waits until the kernel is done with this one.
	begin(t, c.temporary, ending{role: roleSweep}).end(t)
	awaitGone(t, before, []string{run}, "")
	wantEmpty(t, c)
}

// awaitFolder waits until a run has its folder.
func awaitFolder(t *testing.T, c *child) string {
	t.Helper()
	var runs []string
	poll := await.Poll{Limit: patience, Every: time.Millisecond}
	poll.Require(t, "the folder of the run "+c.role, func(context.Context) (bool, string) {
		var err error
		if runs, err = filepath.Glob(filepath.Join(c.temporary, "akv-e2e-*", "lock")); err != nil {
			t.Fatal(err)
		}
		return len(runs) == 1, fmt.Sprintf("%v; it says:\n%s", runs, c.said())
	})
	return filepath.Dir(runs[0])
}

// interrupt interrupts a run, and waits for its end: how it tells of it depends on how far
// it has come.
func (c *child) interrupt(t *testing.T) {
	t.Helper()
	defer c.deadline()()
	if err := syscall.Kill(-c.cmd.Process.Pid, c.signal); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	if c.cmd.ProcessState.ExitCode() < 0 {
		t.Errorf("the run was ended by a signal, %s, and not by itself:\n%s", c.cmd.ProcessState, c.said())
	}
}

func wantEmpty(t *testing.T, c *child) {
	t.Helper()
	if left, err := os.ReadDir(c.temporary); err != nil || len(left) > 0 {
		t.Errorf("in the temporary folder are left %v, %v", left, err)
	}
}
