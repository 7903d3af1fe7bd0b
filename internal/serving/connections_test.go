package serving

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// fakeConn is a connection from an address.
type fakeConn struct {
	net.Conn
	from   string
	closed bool
}

func (c *fakeConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(c.from), Port: 1} }
func (c *fakeConn) Close() error         { c.closed = true; return nil }

func TestConnections(t *testing.T) {
	const api, attacker = "10.0.0.1", "10.0.0.2"
	now := time.Now()
	c := newConnections(10)
	c.now = func() time.Time { now = now.Add(time.Second); return now }
	open := func(from string, states ...http.ConnState) *fakeConn {
		conn := &fakeConn{from: from}
		c.state(conn, http.StateNew)
		for _, s := range states {
			c.state(conn, s)
		}
		return conn
	}
	apiIdle := open(api, http.StateActive, http.StateIdle)
	apiActive := open(api, http.StateActive)
	var held []*fakeConn
	for range 8 {
		held = append(held, open(attacker, http.StateActive))
	}
	idle := held[5]
	c.state(idle, http.StateIdle)

	newcomer := open(api)
	if !idle.closed || newcomer.closed {
		t.Errorf("the attacker's idle connection is closed: %t, the newcomer: %t", idle.closed, newcomer.closed)
	}
	c.state(idle, http.StateClosed) // the server says so afterwards
	second := open(api)
	if !held[0].closed || second.closed {
		t.Errorf("the attacker's oldest is closed: %t, the newcomer: %t", held[0].closed, second.closed)
	}
	for range 100 {
		open(attacker)
	}
	for i, conn := range []*fakeConn{apiIdle, apiActive, newcomer, second} {
		if conn.closed {
			t.Errorf("connection %d of the API server is closed", i)
		}
	}
	if len(c.open) != 10 || c.by[api] != 4 || c.by[attacker] != 6 {
		t.Errorf("%d are open, %v", len(c.open), c.by)
	}
	for conn := range c.open {
		c.state(conn, http.StateClosed)
	}
	if len(c.open) != 0 || len(c.by) != 0 {
		t.Errorf("%d are left, %v", len(c.open), c.by)
	}
}

// All from one address: the oldest goes, and never the one that has just come.
func TestConnectionsOfOneAddress(t *testing.T) {
	c := newConnections(3)
	var all []*fakeConn
	for i := range 20 {
		conn := &fakeConn{from: "10.0.0.1"}
		c.state(conn, http.StateNew)
		if conn.closed {
			t.Fatalf("the newcomer %d is closed", i)
		}
		c.state(conn, http.StateActive)
		all = append(all, conn)
	}
	for i, conn := range all {
		if conn.closed != (i < 17) {
			t.Errorf("connection %d is closed: %t", i, conn.closed)
		}
	}
}
