package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Lane is a run of go test that goes on beside others.
type Lane struct {
	// Name is added to its packages' names in the report, if several lanes share them.
	Name string
	Args []string
}

// RunLanes runs lanes side by side, each as [Run] does, and puts their reports together
// in the lanes' order. All of them end before it returns.
func RunLanes(ctx context.Context, out io.Writer, where Where, verbose bool, lanes ...Lane) (*Report, error) {
	out = &shared{to: out}
	reports, errs := make([]*Report, len(lanes)), make([]error, len(lanes))
	var group sync.WaitGroup
	for i, lane := range lanes {
		group.Go(func() {
			reports[i], errs[i] = Run(ctx, out, where, verbose, lane.Args...)
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
		whole.Failed = whole.Failed || report.Failed
	}
	return whole, errors.Join(errs...)
}
