package serving

import (
	"errors"
	"net/http"
	"sync/atomic"
)

// Server is a readiness check from the start on, when there is no webhook server yet:
// until it answers, a Service must not send anybody here.
type Server struct {
	started atomic.Pointer[Check]
}

var errNotServing = errors.New("the webhook server has not started yet")

// By says how to ask the server.
func (s *Server) By(started Check) { s.started.Store(&started) }

// Ready is a readiness check.
func (s *Server) Ready(r *http.Request) error {
	started := s.started.Load()
	if started == nil {
		return errNotServing
	}
	return (*started)(r)
}
