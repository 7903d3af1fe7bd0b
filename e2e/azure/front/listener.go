// Package front is what clients of the stand-in connect to: one HTTPS listener for every
// host, and the certificate authority that signs their certificates. Both can fail as a
// network does: connections are refused or broken, and certificates are wrong.
package front

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

// Listener is the HTTPS listener, which can go away and come back at the same port.
type Listener struct {
	handler http.Handler
	tls     *tls.Config
	address netip.AddrPort // the port is known once it has listened

	mu     sync.Mutex
	server *http.Server // nil while paused
	done   chan struct{}
	held   int // a socket that keeps the port while paused; -1: none
	closed bool
}

// New returns a listener that does not listen yet. Port 0 is any free one.
func New(handler http.Handler, config *tls.Config, address netip.AddrPort) *Listener {
	return &Listener{handler: handler, tls: config, address: address, held: -1}
}

// Open starts to listen. If it listens already, it does nothing.
func (l *Listener) Open(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.openLocked(ctx)
}

func (l *Listener) openLocked(ctx context.Context) error {
	if l.closed {
		return errors.New("it was stopped")
	}
	if l.server != nil {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", l.address.String())
	if err != nil {
		return fmt.Errorf("listen for HTTPS: %w", err)
	}
	l.release()
	l.address = listener.Addr().(*net.TCPAddr).AddrPort()
	server := &http.Server{
		Handler:           l.handler,
		TLSConfig:         l.tls,
		ReadHeaderTimeout: time.Minute,
		// A client that does not trust the certificate is what a test may be about.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.ServeTLS(listener, "", "") // ends when it is closed
	}()
	l.server, l.done = server, done
	return nil
}

// Shut stops listening and breaks every connection. The port is kept: a socket that
// does not listen is bound to it, so that connections are refused and no program that
// wants any free port gets this one.
func (l *Listener) Shut() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shutLocked()
}

func (l *Listener) shutLocked() error {
	if l.server == nil {
		return nil
	}
	err := l.server.Close()
	<-l.done
	l.server = nil
	return errors.Join(err, l.hold())
}

func (l *Listener) hold() error {
	// SOCK_CLOEXEC would make it one call, but macOS does not have it.
	fd, err := unix.Socket(family(l.address.Addr()), unix.SOCK_STREAM, 0)
	if err != nil {
		return fmt.Errorf("keep port %d: %w", l.address.Port(), err)
	}
	unix.CloseOnExec(fd)
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err == nil {
		err = unix.Bind(fd, sockaddr(l.address))
	}
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("keep port %d: %w", l.address.Port(), err)
	}
	l.held = fd
	return nil
}

func (l *Listener) release() {
	if l.held >= 0 {
		unix.Close(l.held)
		l.held = -1
	}
}

// Reopen breaks every connection and listens again. If it did not listen, it does
// nothing.
func (l *Listener) Reopen(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return nil
	}
	if err := l.shutLocked(); err != nil {
		return err
	}
	return l.openLocked(ctx)
}

// Close stops listening for good.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	err := l.shutLocked()
	l.release()
	return err
}

// Addr is where it listens, or listened before and will again.
func (l *Listener) Addr() netip.AddrPort {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.address
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
