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
	// stopGrace is how long the program may take to end when asked to. A system stops its
	// programs one after the other, and each of those has up to half a minute before it is
	// killed: two replicas of akv-injector 30 s each, the identity webhook, the driver, its
	// provider, kubelet and containerd 20 s at most, the control plane's four 20 s.
	stopGrace = 5 * time.Minute
	// again is how often a signal is passed on until it works: the first process of new
	// namespaces does not get what comes before it asks for it.
	again = time.Second
)

// Sweep removes what killed runs left that had their folders in parent.
func Sweep(parent string) error {
	return rundir.Sweep(parent, prefix, removeAbandoned)
}

// removeAbandoned removes what a killed run left outside of its folder, which is kept until
// that has worked: its name is the cgroups'.
func removeAbandoned(path string) error { return removeCgroups(filepath.Base(path)) }

func removeRun(run *rundir.Dir, cgroup string) error {
	if err := removeCgroups(cgroup); err != nil {
		return errors.Join(err, run.Abandon())
	}
	return run.Close(false)
}

// outside starts the sandbox, waits for its end, and removes what it leaves.
func outside() (code int, err error) {
	// Before there is anything that a signal could leave behind.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	run, err := rundir.New("", prefix, removeAbandoned)
	if err != nil {
		return 1, err
	}
	name := filepath.Base(run.Path)
	defer func() {
		if removeErr := removeRun(run, name); removeErr != nil {
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
	var asked os.Signal
	select {
	case <-ended:
		return
	case asked = <-signals:
	}
	timeout := time.NewTimer(stopGrace)
	defer timeout.Stop()
	repeat := time.NewTicker(again)
	defer repeat.Stop()
	for {
		// That it has ended meanwhile is what was wanted.
		_ = process.Signal(asked)
		select {
		case <-ended:
			return
		case asked = <-signals:
		case <-repeat.C:
		case <-timeout.C:
			_ = process.Kill()
			return
		}
	}
}
