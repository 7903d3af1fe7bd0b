package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"akv-injector/e2e/rundir"
)

const (
	prefix = "akv-e2e-"
	// stopGrace is how long the program may take to end when asked to.
	stopGrace = 30 * time.Second
)

// outside starts the sandbox, waits for its end, and removes what it leaves.
func outside() (code int, err error) {
	run, err := rundir.New("", prefix, func(path string) {
		// Of a killed run whatever can go goes; if not now, the next time.
		_ = removeCgroups(filepath.Base(path), 0)
	})
	if err != nil {
		return 1, err
	}
	name := filepath.Base(run.Path)
	defer func() {
		if removeErr := errors.Join(removeCgroups(name, 10*time.Second), run.Close(false)); removeErr != nil {
			err = errors.Join(err, fmt.Errorf("removing what is left of %s: %w", run.Path, removeErr))
		}
	}()

	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), stageVariable+"="+stageInit, dirVariable+"="+run.Path, cgroupVariable+"="+name)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		// When this process is killed, so is the first one of the sandbox, and with it all.
		Pdeathsig: syscall.SIGKILL,
	}
	// To the kernel, the parent that dies is the thread that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start a sandbox: %w", err)
	}
	ended := make(chan struct{})
	go passOn(signals, cmd.Process, ended)
	err = cmd.Wait()
	close(ended)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if code := exit.ExitCode(); code > 0 {
			return code, nil
		}
		return 1, fmt.Errorf("the sandbox ended: %w", err)
	}
	return 0, err
}

// passOn passes signals to the sandbox, and kills it when it does not end by them.
func passOn(signals <-chan os.Signal, process *os.Process, ended <-chan struct{}) {
	var timeout <-chan time.Time
	for {
		select {
		case <-ended:
			return
		case s := <-signals:
			// That it has ended meanwhile is what was wanted.
			_ = process.Signal(s)
			if timeout == nil {
				timer := time.NewTimer(stopGrace)
				defer timer.Stop()
				timeout = timer.C
			}
		case <-timeout:
			_ = process.Kill()
			return
		}
	}
}
