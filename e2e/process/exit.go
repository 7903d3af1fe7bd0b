package process

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
)

// Terminate asks the program to end, as the kubelet does, and does not wait for it.
func (p *Process) Terminate() error {
	if err := syscall.Kill(p.pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("terminating %s: %w", p.name, err)
	}
	return nil
}

// ExitCode waits for the program's end. It is -1 where a signal ended it.
func (p *Process) ExitCode() int {
	<-p.exited
	var exit *exec.ExitError
	switch {
	case p.err == nil:
		return 0
	case errors.As(p.err, &exit):
		return exit.ExitCode()
	default:
		return -1
	}
}
