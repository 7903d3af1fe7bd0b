package serving

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of connections. Each takes some 50 KB with TLS, and the API server needs one for each
// call that it makes at the same time.
const (
	maxConnections = 2000
	// idleTimeout is how long a connection may wait for a request, the first as the next ones,
	// head and handshake included. It is longer than the 90 s after which API servers close
	// theirs: of many requests at once they open more connections than they need, keep the
	// spare ones for later, and lose a request that they send just when one is closed here.
	idleTimeout = 2 * time.Minute
)

// connections keeps the number of connections within a limit. A newcomer is never turned away:
// the one that goes is of the address that has most of them, and there the one that has been
// idle for longest.
type connections struct {
	limit int
	now   func() time.Time

	mu   sync.Mutex
	open map[net.Conn]*connection
	// by is how many each address has.
	by map[string]int
}

type connection struct {
	address string
	// active is set while a request is read or answered, since since.
	active bool
	since  time.Time
}

func newConnections(limit int) *connections {
	return &connections{limit: limit, now: time.Now, open: map[net.Conn]*connection{}, by: map[string]int{}}
}

// state is the server's ConnState hook.
func (c *connections) state(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.open[conn]
	switch {
	case state == http.StateNew:
		address := addressOf(conn)
		c.open[conn] = &connection{address: address, since: c.now()}
		c.by[address]++
		if len(c.open) > c.limit {
			c.closeOne(conn)
		}
	case known == nil:
	case state == http.StateClosed, state == http.StateHijacked:
		c.forget(conn)
	default:
		known.active, known.since = state == http.StateActive, c.now()
	}
}

func (c *connections) forget(conn net.Conn) {
	known := c.open[conn]
	delete(c.open, conn)
	if c.by[known.address]--; c.by[known.address] == 0 {
		delete(c.by, known.address)
	}
}

// closeOne closes the connection that is missed least, but not the newcomer.
func (c *connections) closeOne(newcomer net.Conn) {
	most := ""
	for address, n := range c.by {
		if n > c.by[most] || n == c.by[most] && address < most {
			most = address
		}
	}
	var worst net.Conn
	for conn, known := range c.open {
		if known.address != most || conn == newcomer {
			continue
		}
		if worst == nil || less(known, c.open[worst]) {
			worst = conn
		}
	}
	if worst != nil {
		c.forget(worst)
		_ = worst.Close()
	}
}

// less orders connections by how little they are missed: idle ones first, then those that have
// been as they are for longest.
func less(a, b *connection) bool {
	if a.active != b.active {
		return !a.active
	}
	return a.since.Before(b.since)
}

func addressOf(conn net.Conn) string {
	address := conn.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
