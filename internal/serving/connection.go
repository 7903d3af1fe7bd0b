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

// clusterRetry is how long to wait between attempts to reach the API server.
const clusterRetry = 2 * time.Second

// Connection waits for the API server. While it does not answer (a node that just
// started, a control plane that is down) the program waits, unready, rather than
// end: the kubelet restarts what ends later and later.
type Connection struct {
	// problem is nil once the API server has answered.
	problem atomic.Pointer[error]
}

// NewConnection returns a Connection that has not been tried.
func NewConnection() *Connection {
	c := &Connection{}
	c.fail(errors.New("not tried yet"))
	return c
}

func (c *Connection) fail(err error) { c.problem.Store(&err) }

// Await asks until there is an answer. It returns false if ctx ends first.
func (c *Connection) Await(ctx context.Context, log logr.Logger, ask func(context.Context) error) bool {
	for {
		err := ask(ctx)
		if err == nil {
			c.problem.Store(nil)
			return true
		}
		c.fail(err)
		log.Error(err, "the API server does not answer; trying again", "in", clusterRetry.String())
		select {
		case <-ctx.Done():
			return false
		case <-time.After(clusterRetry):
		}
	}
}

// Ready is a readiness check.
func (c *Connection) Ready(*http.Request) error {
	if err := c.problem.Load(); err != nil {
		return fmt.Errorf("the API server does not answer: %w", *err)
	}
	return nil
}
