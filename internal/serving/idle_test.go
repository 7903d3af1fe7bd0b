package serving

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
)

// pipes is a listener in memory, so that time can be simulated.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// API servers keep connections for 90 s, used or not.
const keptByAPIServers = 90 * time.Second

func TestConnectionsAreNotClosedBeforeAPIServersCloseThem(t *testing.T) {
	for name, requestsBefore := range map[string]int{"that were never used": 0, "that were used": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overPipe(t, func(conn net.Conn) {
				for range requestsBefore {
					if err := ask(conn); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(keptByAPIServers)
				if err := ask(conn); err != nil {
					t.Errorf("after %s: %v", keptByAPIServers, err)
				}
			})
		})
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	const head = "GET / HTTP/1.1\r\nHost: x\r\n"
	for name, send := range map[string]func(net.Conn){
		"silent": func(net.Conn) {},
		"a head that comes in drops": func(conn net.Conn) {
			for i := 0; ; i++ {
				drop := "X"
				if i < len(head) {
					drop = head[i : i+1]
				}
				if _, err := io.WriteString(conn, drop); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overPipe(t, func(conn net.Conn) {
				begun := time.Now()
				var sender sync.WaitGroup
				sender.Go(func() { send(conn) })
				_, err := io.Copy(io.Discard, conn)
				if took := time.Since(begun); took < keptByAPIServers || took > idleTimeout {
					t.Errorf("it is closed after %s: %v", took, err)
				}
				_ = conn.Close()
				sender.Wait()
			})
		})
	}
}

func TestConnectionsWithoutAHandshakeAreClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		conn, stop := dialPipe(t)
		begun := time.Now()
		_, err := io.Copy(io.Discard, conn)
		if took := time.Since(begun); took < keptByAPIServers || took > idleTimeout {
			t.Errorf("it is closed after %s: %v", took, err)
		}
		stop()
	})
}

// overPipe calls use with a connection to a webhook server, in simulated time.
func overPipe(t *testing.T, use func(net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		raw, stop := dialPipe(t)
		conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		use(conn)
		_ = conn.Close()
		stop()
	})
}

// dialPipe starts a webhook server and connects with it.
func dialPipe(t *testing.T) (conn net.Conn, stop func()) {
	t.Helper()
	_, pair := pairIn(t, "webhooks")
	s := NewWebhookServer("", 0, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}}, logr.Discard())
	s.Register("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") }))
	listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, listener) }()
	server, client := net.Pipe()
	listener.conns <- server
	return client, func() {
		_ = client.Close()
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func ask(conn net.Conn) error {
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "done" {
		return fmt.Errorf("%q, %w", body, err)
	}
	return nil
}
