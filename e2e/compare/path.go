package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Case is a kind of create whose way through the API server is measured.
type Case struct {
	Name string
	// Create creates the object with a number.
	Create func(ctx context.Context, number int) error
}

// Path collects how long creates take.
type Path struct {
	order []string
	// idle are the latencies of a client alone, busy those at a rate.
	idle, busy map[string][]time.Duration
	// rate of the busy ones, in creates a second.
	rate int
}

// NewPath returns a Path whose busy rounds have a rate of creates a second.
func NewPath(rate int) *Path {
	return &Path{idle: map[string][]time.Duration{}, busy: map[string][]time.Duration{}, rate: rate}
}

// Round creates so many objects of a case one after the other, and then for a duration at the rate.
func (p *Path) Round(ctx context.Context, c *Case, first, count int, duration time.Duration) error {
	if !slices.Contains(p.order, c.Name) {
		p.order = append(p.order, c.Name)
	}
	for i := range count {
		began := time.Now()
		if err := c.Create(ctx, first+i); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		p.idle[c.Name] = append(p.idle[c.Name], time.Since(began))
	}
	var (
		wait   sync.WaitGroup
		mutex  sync.Mutex
		failed error
		began  = time.Now()
		every  = time.Second / time.Duration(p.rate)
		timer  = time.NewTimer(0)
	)
	defer timer.Stop()
	for i := range int(duration / every) {
		// A create counts from when it was due, so that one that is held up is not flattered.
		due := began.Add(time.Duration(i) * every)
		timer.Reset(time.Until(due))
		<-timer.C
		wait.Go(func() {
			err := c.Create(ctx, first+count+i)
			took := time.Since(due)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				failed = fmt.Errorf("%s: %w", c.Name, err)
			}
			p.busy[c.Name] = append(p.busy[c.Name], took)
		})
	}
	wait.Wait()
	return failed
}

// Text is a table of what each case adds to the first one, in Markdown.
func (p *Path) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| create of a pod | n | p50, ms | p99, ms | added p50 | added p99 | at %d creates a second: n | p50, ms | p99, ms | added p50 | added p99 |\n", p.rate)
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, name := range p.order {
		fmt.Fprintf(&b, "| %s |", name)
		for _, all := range []map[string][]time.Duration{p.idle, p.busy} {
			base50, base99 := quantiles(all[p.order[0]])
			p50, p99 := quantiles(all[name])
			fmt.Fprintf(&b, " %d | %.2f | %.2f | %+.2f | %+.2f |", len(all[name]), ms(p50), ms(p99), ms(p50-base50), ms(p99-base99))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func quantiles(latencies []time.Duration) (p50, p99 time.Duration) {
	a := &Answered{Latencies: slices.Sorted(slices.Values(latencies))}
	return a.Quantile(0.5), a.Quantile(0.99)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
