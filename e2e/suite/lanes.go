package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// Compile compiles the packages of a module and their tests, and links nothing: what
// several lanes need is then compiled once, not by each of them at the same time.
func Compile(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-test", "-export"}, args...)...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("compiling the tests: %w\n%s", err, &said)
	}
	return nil
}

// Lane is a run of go test that goes on beside others.
type Lane struct {
	// Name is added to its packages' names in the report, if several lanes share them.
	Name string
	Args []string
}

// RunLanes runs lanes, each as [Run] does, as many side by side as given and in their
// order, and puts their reports together in that order. All of them end before it returns.
func RunLanes(ctx context.Context, out io.Writer, where Where, verbose bool, atOnce int, lanes ...Lane) (*Report, error) {
	out = &shared{to: out}
	reports, errs := make([]*Report, len(lanes)), make([]error, len(lanes))
	next := make(chan int)
	var group sync.WaitGroup
	for range min(atOnce, len(lanes)) {
		group.Go(func() {
			for i := range next {
				reports[i], errs[i] = Run(ctx, out, where, verbose, lanes[i].Args...)
			}
		})
	}
	for i := range lanes {
		next <- i
	}
	close(next)
	group.Wait()
	whole := &Report{}
	for i, report := range reports {
		if report == nil {
			continue
		}
		for _, p := range report.Packages {
			if lanes[i].Name != "" {
				p.Name = fmt.Sprintf("%s (%s)", p.Name, lanes[i].Name)
			}
			whole.Packages = append(whole.Packages, p)
		}
		whole.Tests = append(whole.Tests, report.Tests...)
		whole.Measured = append(whole.Measured, report.Measured...)
		whole.LeftOut = append(whole.LeftOut, report.LeftOut...)
		whole.Failed = whole.Failed || report.Failed
	}
	return whole, errors.Join(errs...)
}
