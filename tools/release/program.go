package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
)

// compile compiles a main package of the source for a platform, and gives the program's bytes and what it is made of. Without a path, a build's
// id or the state of a checkout in it, it follows from the source.
func (r *release) compile(ctx context.Context, pkg string, p platform) ([]byte, *made, error) {
	folder, err := os.MkdirTemp("", "akv-release-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, path.Base(pkg))
	r.say("compiling %s for %s …", path.Base(pkg), p)
	_, err = r.goTool(ctx, []string{"CGO_ENABLED=0", "GOOS=" + p.os, "GOARCH=" + p.arch},
		"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version="+r.version, "-o", program, pkg)
	if err != nil {
		return nil, nil, err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, nil, err
	}
	m, err := r.read(ctx, program)
	return content, m, err
}

// goTool runs the go command over the source.
func (r *release) goTool(ctx context.Context, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.root
	// Whatever the caller's workspace and flags are.
	cmd.Env = append(append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "PWD="+r.root), env...)
	return output(cmd)
}

func output(cmd *exec.Cmd) ([]byte, error) {
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(cmd.Path), cmd.Args[1], err, &said)
	}
	return out.Bytes(), nil
}
