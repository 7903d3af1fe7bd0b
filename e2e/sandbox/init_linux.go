package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// initialize is the first process of the sandbox: it sets the namespaces up, starts
// the program proper and inherits every process that loses its parent.
func initialize() (code int, err error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// The child must be started by the thread that is in the namespace.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := privatize(); err != nil {
		return 1, err
	}
	if err := enterCgroups(os.Getenv(cgroupVariable)); err != nil {
		return 1, fmt.Errorf("cgroups of the sandbox: %w", err)
	}
	if err := mountAll(os.Getenv(dirVariable)); err != nil {
		return 1, fmt.Errorf("mounts of the sandbox: %w", err)
	}
	if err := setUpNetwork(); err != nil {
		return 1, fmt.Errorf("network of the sandbox: %w", err)
	}
	child, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{
		Env:   environment(),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		return 1, err
	}
	go passOnOnce(signals, child)
	return reap(child.Pid)
}

// passOnOnce passes each signal on one time. The process outside repeats its own, since it
// cannot know whether this one was ready for the first; the program, which cleans up once
// it is asked to, would be killed by a second when it has just stopped listening.
func passOnOnce(signals <-chan os.Signal, child *os.Process) {
	passed := map[os.Signal]bool{}
	for s := range signals {
		if !passed[s] {
			passed[s] = true
			_ = child.Signal(s)
		}
	}
}

// environment is this process's, with the next stage and the new temporary folder.
func environment() []string {
	var kept []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if name != stageVariable && name != "TMPDIR" {
			kept = append(kept, entry)
		}
	}
	return append(kept, stageVariable+"="+stageInside, "TMPDIR="+inner)
}

// reap waits for every process that ends, until the one of that number does. What then
// still runs is killed with this process.
func reap(main int) (code int, err error) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 1, fmt.Errorf("wait for process %d: %w", main, err)
		case pid != main:
		case status.Exited():
			return status.ExitStatus(), nil
		default:
			return 128 + int(status.Signal()), nil
		}
	}
}
