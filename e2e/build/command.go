package build

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// run runs a command in dir and gives its standard output. An error has
// everything that the command wrote, for that is where the reason is.
func run(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	var stdout, all bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Stdout = &stdout
	cmd.Stderr = &all
	cmd.Env = append(append(os.Environ(), "PWD="+dir), env...)
	// Commands start others, such as compilers: a group of its own lets a cancelled
	// one take them along.
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
	all.Write(stdout.Bytes())
	return stdout.Bytes(), fmt.Errorf("%w\n%s", err, strings.TrimSpace(all.String()))
}
