package serving

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

// Registrar takes handlers by path, as controller-runtime's webhook server does.
type Registrar interface {
	Register(path string, handler http.Handler)
}

// Closing gives a Registrar whose handlers end the caller's connection with each
// answer of the drain. An API server goes on using its connections (HTTP/1.1) to a
// replica that its Service no longer has, and would lose the request that it sends in
// the moment when the server closes them.
func (d *Drain) Closing(r Registrar) Registrar { return closing{drain: d, to: r} }

type closing struct {
	drain *Drain
	to    Registrar
}

func (c closing) Register(path string, handler http.Handler) {
	c.to.Register(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.drain.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	}))
}
