package injector

import (
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// balancer stands where a Service stands in a cluster: one address in front of the
// replicas. A connection goes to the next replica that accepts one.
type balancer struct {
	listener net.Listener
	release  func()
	mu       sync.Mutex
	backends []string
	next     atomic.Uint32
}

func newBalancer() (*balancer, error) {
	number, release, err := reserve()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
	if err != nil {
		release()
		return nil, err
	}
	b := &balancer{listener: listener, release: release}
	go b.serve()
	return b, nil
}

func (b *balancer) address() string { return b.listener.Addr().String() }

func (b *balancer) set(backends []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backends = backends
}

func (b *balancer) serve() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return // closed
		}
		go b.forward(conn)
	}
}

func (b *balancer) forward(conn net.Conn) {
	defer conn.Close()
	b.mu.Lock()
	backends := b.backends
	b.mu.Unlock()
	for range backends {
		backend, err := net.Dial("tcp", backends[int(b.next.Add(1))%len(backends)])
		if err != nil {
			continue
		}
		defer backend.Close()
		done := make(chan struct{}, 2)
		for _, pair := range [][2]net.Conn{{conn, backend}, {backend, conn}} {
			go func() {
				io.Copy(pair[0], pair[1]) //nolint:errcheck // Either side may end it; the other is closed then.
				done <- struct{}{}
			}()
		}
		<-done
		return
	}
}

func (b *balancer) close() {
	b.listener.Close()
	b.release()
}
