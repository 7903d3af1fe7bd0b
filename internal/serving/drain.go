package serving

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// Drain is the pause between the signal to stop and the end of the server. API servers
// learn only after a moment that this replica is no longer ready, and send it requests
// until then.
type Drain struct {
	delay    time.Duration
	draining atomic.Bool
}

// NewDrain returns a Drain that lasts for delay.
func NewDrain(delay time.Duration) *Drain { return &Drain{delay: delay} }

// After returns the context that servers run with. The drain begins when stop ends; the
// context ends when the drain is over.
func (d *Drain) After(stop context.Context) context.Context {
	ctx, cancel := context.WithCancel(context.WithoutCancel(stop))
	context.AfterFunc(stop, func() {
		d.draining.Store(true)
		time.AfterFunc(d.delay, cancel)
	})
	return ctx
}

// Ready is a readiness check that fails from the beginning of the drain on.
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

// Closing returns a Registrar whose handlers, during the drain, close the caller's
// connection with each answer. An API server keeps using its HTTP/1.1 connections to a
// replica that its Service no longer lists, and a request that it sends at the moment when
// the server closes them is lost.
func (d *Drain) Closing(r Registrar) Registrar { return closing{drain: d, next: r} }

type closing struct {
	drain *Drain
	next  Registrar
}

func (c closing) Register(path string, handler http.Handler) {
	c.next.Register(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.drain.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	}))
}
