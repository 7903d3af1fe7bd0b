package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// Drain is the pause between being told to stop and stopping. It takes a moment
// until every API server has heard that this replica is no longer ready, and until
// then it goes on being called.
type Drain struct {
	delay    time.Duration
	draining atomic.Bool
}

// NewDrain returns a Drain that lasts for delay.
func NewDrain(delay time.Duration) *Drain { return &Drain{delay: delay} }

// After returns a context that ends, and with it the servers, when the drain is
// over. The drain begins when stop ends.
func (d *Drain) After(stop context.Context) context.Context {
	ctx, cancel := context.WithCancel(context.WithoutCancel(stop))
	context.AfterFunc(stop, func() {
		d.draining.Store(true)
		time.AfterFunc(d.delay, cancel)
	})
	return ctx
}

// Ready is a readiness check that fails from the beginning of the drain.
func (d *Drain) Ready(*http.Request) error {
	if d.draining.Load() {
		return errors.New("stopping: requests are still answered, but no new ones should come")
	}
	return nil
}
