package teardown_test

import (
	"bufio"
	"bytes"
	"context"
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
	"akv-injector/e2e/system"
	"akv-injector/internal/testing/await"
)

const (
	// settled is how long the kernel may take to end what a killed sandbox had.
	settled = time.Minute
	// patience is how long a run may take to come up, or to end: somewhat longer than the
	// sandbox would wait for the end itself.
	patience = 6 * time.Minute
)

// TestNothingIsLeft runs several systems at once, which also shows that they do not
// collide, and looks at the machine when all have ended.
func TestNothingIsLeft(t *testing.T) {
	if err := sandbox.Supported(); err != nil {
		t.Skip("left out:", err)
	}
	// Ahead of the runs, which have a deadline: it takes minutes once.
	if err := system.Prepare(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	for _, round := range []struct {
		name string
		ends []ending
	}{
		{"success and kill", []ending{{role: roleEnds}, {role: roleWaits, signal: syscall.SIGKILL, code: -1}}},
		{"failure and interrupt", []ending{{role: roleFails, code: 3}, {role: roleWaits, signal: syscall.SIGINT, group: true}}},
		// What was started is stopped, and the start is told to have failed.
		{"early interrupt", []ending{{role: roleWaits, signal: syscall.SIGINT, early: true, code: 3}}},
	} {
		t.Run(round.name, func(t *testing.T) {
			before := look(t, nil)
			var children []*child
			for _, how := range round.ends {
				children = append(children, begin(t, t.TempDir(), how))
			}
			// The names are kept, since the folders go and what is named by them may stay.
			var runs []string
			for _, c := range children {
				runs = append(runs, c.run(t))
			}
			endAll(t, children, runs)
			sweep(t, children, before, runs)
			awaitGone(t, before, runs, "")
			for _, c := range children {
				wantEmpty(t, c)
			}
		})
	}
}

// endAll ends the early ones as they start, and the others when all of them are up.
func endAll(t *testing.T, children []*child, runs []string) {
	t.Helper()
	for i, c := range children {
		if c.early {
			seen(t, runs[i], starting)
			c.end(t)
		}
	}
	for i, c := range children {
		if !c.early {
			c.awaitUp(t)
			seen(t, runs[i], whole)
		}
	}
	for _, c := range children {
		if !c.early {
			c.end(t)
		}
	}
}

// sweep cleans up after killed runs, which cannot: the kernel ends their processes, mounts
// and networks, and the next run removes their cgroups and empty folders.
func sweep(t *testing.T, children []*child, before machine, runs []string) {
	t.Helper()
	for _, c := range children {
		if c.signal == syscall.SIGKILL {
			awaitGone(t, before, runs, "cgroup ")
			begin(t, c.temporary, ending{role: roleSweep}).end(t)
		}
	}
}

// Processes that a run has, at least. The whole are etcd, kube-apiserver, two more of the
// control plane, akv-injector, the identity webhook, the driver, its provider, kubelet,
// containerd, a shim, pause and the container; a starting one has its first process, the
// program itself and the control plane.
const (
	whole    = 13
	starting = 6
)

// seen fails if the looks of this test would not see a running system.
func seen(t *testing.T, run string, least int) {
	t.Helper()
	processes, cgroups, namespaces := 0, 0, 0
	for name := range look(t, []string{run}) {
		switch {
		case strings.HasPrefix(name, "process "):
			processes++
		case strings.HasPrefix(name, "cgroup "):
			cgroups++
		case strings.HasPrefix(name, "namespace "):
			namespaces++
		}
	}
	if processes < least {
		t.Errorf("%d processes of the running system in %s are seen, want %d or more", processes, run, least)
	}
	if cgroups == 0 {
		t.Errorf("no cgroup of the running system in %s is seen", run)
	}
	if namespaces < 4 {
		t.Errorf("%d namespaces of the running system in %s are seen, want one of each kind", namespaces, run)
	}
	// Interfaces and mounts of a run are in namespaces that are not ours.
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for name := range look(t, []string{run}) {
		// The process outside is in ours, and in no cgroup of the run.
		if name == "namespace "+ours+" of "+run {
			t.Errorf("a process of the running system in %s has the machine's own network", run)
		}
	}
}

// awaitGone waits until there is nothing of the runs, and nothing else that was not there
// before, but for what has the prefix, if one is given.
func awaitGone(t *testing.T, before machine, runs []string, except string) {
	t.Helper()
	poll := await.Poll{Limit: settled, Every: 50 * time.Millisecond}
	poll.Require(t, "the end of what the runs left behind", func(context.Context) (bool, string) {
		var left []string
		for _, name := range look(t, runs).since(before) {
			if except == "" || !strings.HasPrefix(name, except) {
				left = append(left, name)
			}
		}
		return len(left) == 0, strings.Join(left, "\n")
	})
}

// ending is how a run ends.
type ending struct {
	role   string
	signal syscall.Signal // to the process outside; 0 for none
	group  bool           // to all of the process group, as a terminal's Ctrl-C is
	early  bool           // while the system starts
	code   int            // of the exit; -1 for one by a signal
}

// child is a running system.
type child struct {
	ending
	temporary string // its folder for temporary files

	cmd   *exec.Cmd
	in    io.Closer
	out   io.Reader
	begun chan struct{} // closed when it has a control plane

	mu  sync.Mutex
	log bytes.Buffer
}

// hasBegun is in a run's log when its sandbox is there and its control plane runs.
const hasBegun = "control plane at "

func (c *child) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	had := bytes.Contains(c.log.Bytes(), []byte(hasBegun))
	n, err := c.log.Write(p)
	if !had && bytes.Contains(c.log.Bytes(), []byte(hasBegun)) {
		close(c.begun)
	}
	return n, err
}

func (c *child) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

func begin(t *testing.T, temporary string, how ending) *child {
	t.Helper()
	c := &child{ending: how, temporary: temporary, cmd: exec.CommandContext(t.Context(), os.Args[0]), begun: make(chan struct{})}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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

// run waits until there is something to be left behind, and gives the run's folder.
func (c *child) run(t *testing.T) string {
	t.Helper()
	select {
	case <-c.begun:
	case <-time.After(patience):
		t.Fatalf("the run %q did not begin within %s:\n%s", c.role, patience, c.said())
	}
	runs, err := filepath.Glob(filepath.Join(c.temporary, "akv-e2e-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 {
		t.Fatalf("%d folders of the run %q, want one: %v", len(runs), c.role, runs)
	}
	return runs[0]
}

// awaitUp waits until the run's pod has its secret.
func (c *child) awaitUp(t *testing.T) {
	t.Helper()
	defer c.deadline()()
	lines := bufio.NewScanner(c.out)
	for lines.Scan() {
		if lines.Text() == up {
			return
		}
	}
	t.Fatalf("the run %q did not come up within %s:\n%s", c.role, patience, c.said())
}

// deadline kills the run, which ends any wait for it, unless what it gives is called in time.
func (c *child) deadline() (stop func()) {
	timer := time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
	return func() { timer.Stop() }
}

// end ends the run, or waits for its end.
func (c *child) end(t *testing.T) {
	t.Helper()
	defer c.deadline()()
	if c.signal != 0 {
		to := c.cmd.Process.Pid
		if c.group {
			to = -to
		}
		if err := syscall.Kill(to, c.signal); err != nil {
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
