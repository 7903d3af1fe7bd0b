package build

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
)

// runGo runs the go command in dir and gives its standard output, even when it
// fails.
func runGo(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	// The caller's workspace and flags are about the caller's module, not this one.
	env = append([]string{"GOWORK=off", "GOFLAGS="}, env...)
	out, err := run(ctx, dir, env, "go", args...)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("the go command is needed to build: %w", err)
	case err != nil && ctx.Err() == nil:
		return out, fmt.Errorf("go %s in %s: %w", args[0], dir, err)
	}
	return out, err
}
