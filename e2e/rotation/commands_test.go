package rotation_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"akv-injector/e2e/system"
)

// terminal runs commands as documents have them, where kubectl is there.
type terminal struct {
	bin, dir string
	env      []string
}

// newTerminal is one in a folder.
func newTerminal(t *testing.T, s *system.System, dir string) *terminal {
	t.Helper()
	term := &terminal{bin: t.TempDir(), dir: dir}
	term.env = append(s.KubectlCommand(t.Context()).Env, "PATH="+term.bin+":"+os.Getenv("PATH"))
	term.program(t, "kubectl", fmt.Sprintf("exec '%s' \"$@\"\n", s.Kubectl))
	return term
}

// program puts a script where commands are looked for first.
func (term *terminal) program(t *testing.T, name, script string) {
	t.Helper()
	check(t, os.WriteFile(filepath.Join(term.bin, name), []byte("#!/bin/sh\n"+script), 0o755))
}

// commandsLimit is more than any command of a document waits by itself: the longest is
// kubectl wait --timeout=5m.
const commandsLimit = 6 * time.Minute

// run runs commands, of which each has to work, and gives what they print.
func (term *terminal) run(ctx context.Context, script string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, commandsLimit, fmt.Errorf("the commands take longer than %s", commandsLimit))
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-eux")
	cmd.Dir, cmd.Env, cmd.Stdin = term.dir, term.env, strings.NewReader(script)
	// What the shell has started ends with it, or would hold the pipes.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		return "", fmt.Errorf("%w:\n%s%s", err, &stderr, &stdout)
	}
	return stdout.String(), nil
}
