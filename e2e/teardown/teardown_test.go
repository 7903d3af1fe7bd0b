package teardown_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"akv-injector/e2e/sandbox"
)

// settled is how long the kernel may take to end what a killed sandbox had.
const settled = 30 * time.Second

// TestNothingIsLeft runs two systems at once, each with a pod, which also shows that two
// do not collide, and looks at the machine when both have ended.
func TestNothingIsLeft(t *testing.T) {
	if err := sandbox.Supported(); err != nil {
		t.Skip("left out:", err)
	}
	for _, pair := range []struct {
		name   string
		first  ending
		second ending
	}{
		{"success and failure", ending{role: roleEnds}, ending{role: roleFails, code: 3}},
		{"interrupt and kill", ending{role: roleWaits, signal: syscall.SIGINT}, ending{role: roleWaits, signal: syscall.SIGKILL, code: -1}},
	} {
		t.Run(pair.name, func(t *testing.T) {
			before := look(t, nil)
			temporary := t.TempDir()
			first, second := begin(t, temporary, pair.first), begin(t, temporary, pair.second)
			first.awaitUp(t)
			second.awaitUp(t)
			// The names are kept, since the folders go and what is named by them may stay.
			runs := runsIn(t, temporary)
			seen(t, runs)
			first.end(t)
			second.end(t)

			// A killed run cannot clean up: the kernel ends its processes, mounts and
			// networks, and the next run removes its cgroups and its empty folder.
			if pair.second.signal == syscall.SIGKILL {
				awaitGone(t, before, runs, "cgroup ")
				next := begin(t, temporary, ending{role: roleSweep})
				next.end(t)
			}
			awaitGone(t, before, runs, "")
			if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
				t.Errorf("in the temporary folder are left %v, %v", left, err)
			}
		})
	}
}

// runsIn are the folders of the two runs that are up.
func runsIn(t *testing.T, temporary string) []string {
	t.Helper()
	runs, err := filepath.Glob(filepath.Join(temporary, "akv-e2e-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 {
		t.Fatalf("%d folders of runs, want 2: %v", len(runs), runs)
	}
	return runs
}

// seen fails if the looks of this test would not see each of the running systems.
func seen(t *testing.T, runs []string) {
	t.Helper()
	for _, run := range runs {
		processes, cgroups := 0, 0
		for name := range look(t, []string{run}) {
			switch {
			case strings.HasPrefix(name, "process "):
				processes++
			case strings.HasPrefix(name, "cgroup "):
				cgroups++
			}
		}
		// etcd, kube-apiserver, two more of the control plane, akv-injector, the identity
		// webhook, the driver, its provider, kubelet, containerd, a shim, pause and the
		// container.
		if processes < 13 {
			t.Errorf("%d processes of the running system in %s are seen, want 13 or more", processes, run)
		}
		if cgroups == 0 {
			t.Errorf("no cgroup of the running system in %s is seen", run)
		}
	}
}

// awaitGone waits until there is nothing of the runs, and nothing else that was not there
// before, but for what has the prefix, if one is given.
func awaitGone(t *testing.T, before machine, runs []string, except string) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(settled); ; time.Sleep(50 * time.Millisecond) {
		left = left[:0]
		for _, name := range look(t, runs).since(before) {
			if except == "" || !strings.HasPrefix(name, except) {
				left = append(left, name)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind:\n%s", strings.Join(left, "\n"))
		}
	}
}

// ending is how a run ends.
type ending struct {
	role   string
	signal syscall.Signal // to the process outside; 0 for none
	code   int            // of the exit; -1 for one by a signal
}

// child is a running system.
type child struct {
	ending
	cmd *exec.Cmd
	in  io.Closer
	out io.Reader

	mu  sync.Mutex
	log bytes.Buffer
}

func (c *child) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(p)
}

func (c *child) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

func begin(t *testing.T, temporary string, how ending) *child {
	t.Helper()
	c := &child{ending: how, cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), roleVariable+"="+how.role, "TMPDIR="+temporary)
	c.cmd.Stderr = c
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in = in
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = out
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	return c
}

// awaitUp waits until the run's pod has its secret, when there is something to be left
// behind.
func (c *child) awaitUp(t *testing.T) {
	t.Helper()
	lines := bufio.NewScanner(c.out)
	for lines.Scan() {
		if lines.Text() == up {
			return
		}
	}
	t.Fatalf("the run %q did not come up:\n%s", c.role, c.said())
}

// end ends the run, or waits for its end.
func (c *child) end(t *testing.T) {
	t.Helper()
	if c.signal != 0 {
		if err := c.cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
	}
	if c.role != roleWaits {
		if err := c.in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = io.Copy(io.Discard, c.out)
	err := c.cmd.Wait()
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code, err = exit.ExitCode(), nil
	}
	if err != nil || code != c.code {
		t.Errorf("the run %q ended with %d, %v; want %d:\n%s", c.role, code, err, c.code, c.said())
	}
}
