package admin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// maxSocketPath is Linux's limit; the error there would be "invalid argument".
const maxSocketPath = 107

// Listener serves the admin API at a unix socket.
type Listener struct {
	http *http.Server
	done chan struct{}
}

// Listen serves a handler at a socket. It replaces a socket that a killed server left
// behind; ctx is for the start.
func Listen(ctx context.Context, socket string, handler http.Handler) (*Listener, error) {
	if len(socket) > maxSocketPath {
		return nil, fmt.Errorf("admin socket %s: the path is longer than a socket's may be, which is %d bytes; give a shorter one", socket, maxSocketPath)
	}
	if err := removeDeadSocket(ctx, socket); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("listen for the admin API: %w", err)
	}
	l := &Listener{
		http: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute},
		done: make(chan struct{}),
	}
	go func() {
		defer close(l.done)
		_ = l.http.Serve(listener) // ends when it is closed
	}()
	return l, nil
}

// removeDeadSocket removes the socket of a server that was killed, and nothing else: no
// socket that answers, and no file that is not a socket.
func removeDeadSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil //nolint:nilerr // nothing is there; if it cannot be made, listening reports it
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("admin socket %s: a file is there that is no socket; give another path", path)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return os.Remove(path)
	}
	conn.Close()
	return fmt.Errorf("admin socket %s: another server listens there; stop it, or give another path", path)
}

// Close stops listening and removes the socket.
func (l *Listener) Close() error {
	err := l.http.Close()
	<-l.done
	return err
}
