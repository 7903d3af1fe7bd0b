package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Runner runs steps as the script has them, one after the other.
type Runner struct {
	// Out hears of each step, and Err what its commands say.
	Out, Err io.Writer
	// Env of the commands; nil is this program's.
	Env []string

	variables []string
	// Changed counts the steps that changed something.
	Changed int
}

// Run runs the steps, up to the first that fails.
func (r *Runner) Run(ctx context.Context, steps []Step) error {
	for i := range steps {
		s := &steps[i]
		fmt.Fprintf(r.Out, "%d/%d: %s\n", i+1, len(steps), s.Title)
		changed, err := r.step(ctx, s)
		if err != nil {
			return fmt.Errorf("step %d of %d failed: %w", i+1, len(steps), err)
		}
		if changed {
			r.Changed++
			fmt.Fprintln(r.Out, "  changed")
		}
	}
	return nil
}

// Variable is what a step has set.
func (r *Runner) Variable(name string) string {
	for _, v := range r.variables {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

func (r *Runner) step(ctx context.Context, s *Step) (changed bool, err error) {
	var script strings.Builder
	script.WriteString(prelude + "changed=\n" + s.script() + "printf 'changed=%s\\n' \"$changed\" >&3\n")
	for _, v := range s.Sets {
		fmt.Fprintf(&script, "printf '%s=%%s\\n' \"$%s\" >&3\n", v.Name, v.Name)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return false, err
	}
	defer read.Close()
	cmd := exec.CommandContext(ctx, "sh", "-c", script.String())
	cmd.Env = append(r.environment(), r.variables...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = r.Err, r.Err, []*os.File{write}
	if err := cmd.Start(); err != nil {
		return false, errors.Join(err, write.Close())
	}
	if err := write.Close(); err != nil {
		return false, err
	}
	said, readErr := io.ReadAll(io.LimitReader(read, 1<<20))
	if err := cmd.Wait(); err != nil {
		return false, err
	}
	if readErr != nil {
		return false, readErr
	}
	for line := range strings.Lines(string(said)) {
		line = strings.TrimRight(line, "\n")
		if value, ok := strings.CutPrefix(line, "changed="); ok {
			changed = value != ""
			continue
		}
		r.variables = append(r.variables, line)
	}
	return changed, nil
}

func (r *Runner) environment() []string {
	if r.Env != nil {
		return r.Env
	}
	return os.Environ()
}
