// Package process runs the programs of a test's system as children that never
// outlive the test.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"akv-injector/internal/testing/await"
)

// Spec says what to run.
type Spec struct {
	// Name is what errors call it.
	Name string
	// Path is the program's file, Args what follows its name.
	Path string
	Args []string
	// Env is added to the test's own environment.
	Env []string
	// Dir is the working folder; empty is the test's own.
	Dir string
	// Log is the file that both outputs are appended to.
	Log string
}

// Process is a running program, or one that has ended.
type Process struct {
	name   string
	log    string
	pid    int
	exited chan struct{}
	err    error // of Wait; set before exited is closed
}

// Start starts a program. It leads a process group of its own, so that a Ctrl-C
// in the terminal does not reach it before the test's own cleanup does, and the
// kernel kills it when the test's process ends without one.
func Start(spec Spec) (*Process, error) {
	if err := os.MkdirAll(filepath.Dir(spec.Log), 0o755); err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Name, err)
	}
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Name, err)
	}
	defer log.Close() // the child has its own copy
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Dir = spec.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()

	p := &Process{name: spec.Name, log: spec.Log, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// To the kernel the parent is the thread that forked, not the process:
		// this one must stay for as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			// What it started and left in its group ends with it; mostly that is nothing.
			_ = syscall.Kill(-p.pid, syscall.SIGKILL)
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Name, err)
	}
	return p, nil
}

// Pid is the program's process id, which is its process group's too.
func (p *Process) Pid() int { return p.pid }

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// AwaitReady waits until ready, which asks the program, returns no error. A program that
// ends meanwhile will never be ready: then the error is its [Process.Failure].
func (p *Process) AwaitReady(ctx context.Context, poll await.Poll, ready func(context.Context) error) error {
	err := poll.Success(ctx, "it to be ready", func(ctx context.Context) error {
		if p.hasExited() {
			return nil
		}
		return ready(ctx)
	})
	switch {
	case p.hasExited():
		return p.Failure()
	case err != nil:
		return p.Explain(err)
	}
	return nil
}

func (p *Process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Failure is the error to report about a program that has ended when it should
// not have: how it ended, and the last lines of its log.
func (p *Process) Failure() error {
	<-p.exited
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	return p.Explain(fmt.Errorf("ended unasked: %s", how))
}

// Explain adds the program's name and the last lines of its log to an error.
func (p *Process) Explain(err error) error {
	return fmt.Errorf("%s: %w\nlast lines of its log:\n%s", p.name, err, tail(p.log, 30))
}

// Stop ends the program: it is asked to, and killed after grace, together with
// what it started. Without any grace it is not asked, as in a crash. Stopping one
// that has ended, or none, is no error.
func (p *Process) Stop(grace time.Duration) error {
	if p == nil || p.hasExited() {
		return nil
	}
	if grace > 0 {
		if err := syscall.Kill(p.pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stopping %s: %w", p.name, err)
		}
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.exited:
			return nil
		case <-timer.C:
		}
	}
	if err := syscall.Kill(-p.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing %s: %w", p.name, err)
	}
	<-p.exited
	return nil
}
