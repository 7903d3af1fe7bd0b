package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Compile compiles the packages of a lane's arguments and their tests, and links nothing: what
// several lanes need is then compiled once, not by each of them at the same time.
func Compile(ctx context.Context, dir string, lane Lane) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list", "-test", "-export"}, lane.Args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), lane.Env...)
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
	Env  []string // as key=value, beside the suite's own
	// Weight is how many lanes this one counts for; 0 is one.
	Weight int
}

// RunLanes runs lanes, each as [Run] does, as many side by side as given and in their
// order, and puts their reports together in that order. All of them end before it returns.
func RunLanes(ctx context.Context, out io.Writer, where Where, verbose bool, atOnce int, lanes ...Lane) (*Report, error) {
	out = &shared{to: out}
	reports, errs := make([]*Report, len(lanes)), make([]error, len(lanes))
	room := semaphore.NewWeighted(int64(atOnce))
	var group sync.WaitGroup
	for i, lane := range lanes {
		weight := int64(min(max(lane.Weight, 1), atOnce))
		// Without a context: of an interrupted run each lane says that it was.
		_ = room.Acquire(context.WithoutCancel(ctx), weight)
		group.Go(func() {
			defer room.Release(weight)
			of := where
			of.Env = append(slices.Clone(where.Env), lane.Env...)
			reports[i], errs[i] = Run(ctx, out, of, verbose, lane.Args...)
		})
	}
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
		whole.Failures = append(whole.Failures, report.Failures...)
		whole.Failed = whole.Failed || report.Failed
	}
	return whole, errors.Join(errs...)
}
