package azure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// front is the HTTPS listener, which can go away and come back at the same port.
type front struct {
	handler http.Handler
	tls     *tls.Config
	address netip.AddrPort // the port is known once it has listened

	mu     sync.Mutex
	server *http.Server // nil while paused
	done   chan struct{}
	held   int // a socket that keeps the port while paused; -1: none
	closed bool
}

func newFront(handler http.Handler, config *tls.Config, address netip.AddrPort) *front {
	return &front{handler: handler, tls: config, address: address, held: -1}
}

// open starts to listen. It is no error if it does already.
func (f *front) open(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.openLocked(ctx)
}

func (f *front) openLocked(ctx context.Context) error {
	if f.closed {
		return errors.New("it was stopped")
	}
	if f.server != nil {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.address.String())
	if err != nil {
		return fmt.Errorf("listen for HTTPS: %w", err)
	}
	f.letGo()
	f.address = listener.Addr().(*net.TCPAddr).AddrPort()
	server := &http.Server{
		Handler:           f.handler,
		TLSConfig:         f.tls,
		ReadHeaderTimeout: time.Minute,
		// A client that does not trust us is what a test may be about.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.ServeTLS(listener, "", "") // ends when it is closed
	}()
	f.server, f.done = server, done
	return nil
}

// shut stops listening and breaks every connection. The port stays ours: a socket
// is bound to it that does not listen, so that connections are refused and nobody
// else is given it.
func (f *front) shut() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.shutLocked()
}

func (f *front) shutLocked() error {
	if f.server == nil {
		return nil
	}
	err := f.server.Close()
	<-f.done
	f.server = nil
	return errors.Join(err, f.hold())
}

func (f *front) hold() error {
	// With SOCK_CLOEXEC it would be one call, but macOS does not know that.
	fd, err := unix.Socket(family(f.address.Addr()), unix.SOCK_STREAM, 0)
	if err != nil {
		return fmt.Errorf("keep port %d: %w", f.address.Port(), err)
	}
	unix.CloseOnExec(fd)
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err == nil {
		err = unix.Bind(fd, sockaddr(f.address))
	}
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("keep port %d: %w", f.address.Port(), err)
	}
	f.held = fd
	return nil
}

func (f *front) letGo() {
	if f.held >= 0 {
		unix.Close(f.held)
		f.held = -1
	}
}

// reopen breaks every connection, and listens again if it did.
func (f *front) reopen(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server == nil {
		return nil
	}
	if err := f.shutLocked(); err != nil {
		return err
	}
	return f.openLocked(ctx)
}

// close ends it for good.
func (f *front) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	err := f.shutLocked()
	f.letGo()
	return err
}

// addr is where it listens, or did and will again.
func (f *front) addr() netip.AddrPort {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.address
}

func family(address netip.Addr) int {
	if address.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func sockaddr(address netip.AddrPort) unix.Sockaddr {
	if address.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(address.Port()), Addr: address.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(address.Port()), Addr: address.Addr().As16()}
}
