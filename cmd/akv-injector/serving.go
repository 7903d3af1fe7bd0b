package main

import (
	"errors"
	"net/http"
	"sync/atomic"

	"akv-injector/webhook"
)

// serving is a readiness check from the start on, when there is no webhook server yet:
// until it answers, a Service must not send anybody here.
type serving struct {
	started atomic.Pointer[webhook.Check]
}

var errNotServing = errors.New("the webhook server has not started yet")

// by says how to ask the server.
func (s *serving) by(started webhook.Check) { s.started.Store(&started) }

// ready is a readiness check.
func (s *serving) ready(r *http.Request) error {
	started := s.started.Load()
	if started == nil {
		return errNotServing
	}
	return (*started)(r)
}
