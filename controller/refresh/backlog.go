package refresh

import (
	"context"
	"sync"
)

// backlog hands jobs to workers without making the one who adds them wait.
type backlog struct {
	jobs chan func()

	mu      sync.Mutex
	waiting []func()
	added   chan struct{}
}

func newBacklog(jobs chan func()) *backlog {
	return &backlog{jobs: jobs, added: make(chan struct{}, 1)}
}

func (b *backlog) add(job func()) {
	b.mu.Lock()
	b.waiting = append(b.waiting, job)
	b.mu.Unlock()
	select {
	case b.added <- struct{}{}:
	default:
	}
}

func (b *backlog) take() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return nil
	}
	job := b.waiting[0]
	b.waiting[0] = nil
	b.waiting = b.waiting[1:]
	return job
}

// run ends with ctx, and closes the jobs.
func (b *backlog) run(ctx context.Context) {
	defer close(b.jobs)
	for {
		job := b.take()
		if job == nil {
			select {
			case <-b.added:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case b.jobs <- job:
		case <-ctx.Done():
			return
		}
	}
}
