package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// runGo runs the go command in dir and gives its standard output. An error has
// everything that the command wrote, for that is where the reason is.
func runGo(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	var stdout, all bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Stdout = &stdout
	cmd.Stderr = &all
	// The caller's workspace and flags are about the caller's module, not this one.
	cmd.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS=", "PWD="+dir), env...)
	// go starts compilers: a group of its own lets a cancelled build take them along.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("the go command is needed to build: %w", err)
	}
	all.Write(stdout.Bytes())
	return stdout.Bytes(), fmt.Errorf("go %s in %s: %w\n%s", args[0], dir, err, strings.TrimSpace(all.String()))
}
