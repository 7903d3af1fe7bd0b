package serving

import (
	"errors"
	"net/http"
	"sync/atomic"
)

// ServerCheck is the readiness check of a server that does not exist yet. Adding the
// check only once there is a server would leave a moment in which nothing is wrong, and
// a Service would send requests that no one answers.
type ServerCheck struct {
	started atomic.Pointer[Check]
}

var errNotStarted = errors.New("the webhook server has not started yet")

// Use sets the check to ask from now on, that of the server itself.
func (s *ServerCheck) Use(started Check) { s.started.Store(&started) }

// Ready is a readiness check.
func (s *ServerCheck) Ready(r *http.Request) error {
	started := s.started.Load()
	if started == nil {
		return errNotStarted
	}
	return (*started)(r)
}
