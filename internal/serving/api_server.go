package serving

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
)

// APIServer is the API server, which may not answer yet: the node has just started, or
// the control plane is down. The program then waits, unready, and does not exit: each
// time it did, the kubelet would wait longer before the next start.
type APIServer struct {
	retry time.Duration
	log   logr.Logger
	// problem is nil once the API server has answered.
	problem atomic.Pointer[error]
}

// NewAPIServer returns an APIServer that Await asks again every retry.
func NewAPIServer(retry time.Duration, log logr.Logger) *APIServer {
	s := &APIServer{retry: retry, log: log}
	s.fail(errors.New("not tried yet"))
	return s
}

func (s *APIServer) fail(err error) { s.problem.Store(&err) }

// Await calls ask until it succeeds. It returns false if ctx ends first.
func (s *APIServer) Await(ctx context.Context, ask func(context.Context) error) bool {
	for {
		err := ask(ctx)
		if err == nil {
			s.problem.Store(nil)
			return true
		}
		s.fail(err)
		s.log.Error(err, "the API server does not answer; trying again", "in", s.retry.String())
		select {
		case <-ctx.Done():
			return false
		case <-time.After(s.retry):
		}
	}
}

// Ready is a readiness check. It fails until the API server has answered once.
func (s *APIServer) Ready(*http.Request) error {
	if err := s.problem.Load(); err != nil {
		return fmt.Errorf("the API server does not answer: %w", *err)
	}
	return nil
}
