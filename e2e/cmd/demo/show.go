package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"akv-injector/e2e/azure/cli"
	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/system"
)

// show runs commands as a user would type them, in the folder of the examples, and
// prints both.
type show struct {
	cp     *controlplane.ControlPlane
	system *system.System // nil without a node
	out    io.Writer
	dir    string
	step   int
}

// newShow shows commands in the folder of the shop's examples.
func newShow(cp *controlplane.ControlPlane, out io.Writer) (*show, error) {
	root, err := build.Root()
	if err != nil {
		return nil, err
	}
	return &show{cp: cp, out: out, dir: filepath.Join(root, "examples", "shop")}, nil
}

// title begins a step.
func (s *show) title(text string) {
	s.step++
	fmt.Fprintf(s.out, "\n%d. %s\n", s.step, text)
}

// kubectl runs a command, prints it with its output and returns the output.
func (s *show) kubectl(ctx context.Context, args ...string) (string, error) {
	output, err := s.quietly(ctx, args...)
	s.print(args, output)
	if err != nil {
		return output, fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	return output, nil
}

// az runs a command of the stand-in's az, prints it with its output, and returns the
// output. What az prints of a resource is its whole description; -o tells to be brief.
func (s *show) az(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	status := cli.Run(ctx, args, &stdout, &stderr)
	fmt.Fprintf(s.out, "   $ az %s\n", quote(args))
	s.indent(stdout.String() + stderr.String())
	if status != 0 {
		return "", fmt.Errorf("az %s: exit status %d", strings.Join(args, " "), status)
	}
	return strings.TrimSpace(stdout.String()), nil
}

// refused runs a command that has to fail, and wants each text in what it says.
func (s *show) refused(ctx context.Context, texts []string, args ...string) error {
	output, err := s.quietly(ctx, args...)
	s.print(args, output)
	if err == nil {
		return fmt.Errorf("kubectl %s was let through", strings.Join(args, " "))
	}
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		return err
	}
	return want(output, texts...)
}

// quietly runs a command and returns its output, errors and warnings included.
func (s *show) quietly(ctx context.Context, args ...string) (string, error) {
	cmd := s.cp.KubectlCommand(ctx, args...)
	cmd.Dir = s.dir
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	return output.String(), err
}

func (s *show) print(args []string, output string) {
	fmt.Fprintf(s.out, "   $ kubectl %s\n", quote(args))
	s.indent(output)
}

func (s *show) indent(text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(s.out, "   %s\n", strings.TrimRight(line, "\n"))
	}
}

// diff prints what changed between two texts, as diff -u does, without its header.
func (s *show) diff(before, after string) (string, error) {
	dir, err := os.MkdirTemp(s.cp.Dir, "diff-")
	if err != nil {
		return "", err
	}
	files := []string{filepath.Join(dir, "before"), filepath.Join(dir, "after")}
	for i, text := range []string{before, after} {
		if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	output, err := exec.Command("diff", "-U1", files[0], files[1]).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return "", fmt.Errorf("diff: %w", err)
	}
	lines := strings.SplitAfter(string(output), "\n")
	text := strings.Join(lines[min(2, len(lines)):], "")
	s.indent(text)
	return text, nil
}

// want fails if a text lacks one of its parts.
func want(text string, parts ...string) error {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return fmt.Errorf("expected %q in:\n%s", p, text)
		}
	}
	return nil
}

// quote quotes arguments as a user has to type them.
func quote(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if strings.ContainsAny(a, " '\"{}()[]*?$|<>\\") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		quoted[i] = a
	}
	return strings.Join(quoted, " ")
}
