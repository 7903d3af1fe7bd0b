package serving

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Reach is whether something that the program depends on still answers. A replica that has
// been cut off from the API server, and can be reached by it, would go on deciding on caches
// that grow old.
type Reach struct {
	ask   func(context.Context) error
	every time.Duration
	// patience is how long failures are tolerated. It is longer than a restart of the API
	// server takes: all replicas would be unready after it otherwise, for some seconds.
	patience time.Duration
	now      func() time.Time

	mu   sync.Mutex
	good time.Time // of the last answer
	last error
}

// NewReach returns a Reach that counts from now. Run asks.
func NewReach(ask func(context.Context) error, every, patience time.Duration) *Reach {
	return &Reach{ask: ask, every: every, patience: patience, now: time.Now, good: time.Now()}
}

// Run asks until ctx is done.
func (r *Reach) Run(ctx context.Context) {
	ticker := time.NewTicker(r.every)
	defer ticker.Stop()
	for {
		r.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (r *Reach) look(ctx context.Context) {
	// An answer that comes late is worth nothing to those who wait for a pod.
	asking, cancel := context.WithTimeout(ctx, r.every)
	defer cancel()
	err := r.ask(asking)
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = err
	if err == nil {
		r.good = r.now()
	}
}

// Ready is a readiness check: there was an answer not long ago.
func (r *Reach) Ready(*http.Request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if silent := r.now().Sub(r.good); r.last != nil && silent > r.patience {
		return fmt.Errorf("no good answer for %s: %w", silent.Round(time.Second), r.last)
	}
	return nil
}
