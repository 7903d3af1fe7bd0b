package serving

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// Connections to the API server.
const (
	// dialPatience is how long it is tried again: less than the API server waits for a webhook.
	dialPatience = 3 * time.Second
	dialStep     = 100 * time.Millisecond
	// firstTimeout is for the tries until then. A node answers in a millisecond, or what was sent is lost.
	firstTimeout = time.Second
	// As client-go has them.
	dialTimeout   = 30 * time.Second
	dialKeepAlive = 30 * time.Second
)

// Dial connects to the API server. A connection that is refused, or gets no answer, is tried again for a while: when an API server has started again it
// calls webhooks at once, and the Service by which it is called back leads to it a second later. Until then the node refuses, or sends what comes to
// nobody, and what was once sent to nobody goes there again: another try is another connection. Nothing has been asked by then, so that nothing is done twice.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return redial(ctx, dialPatience, func(ctx context.Context, timeout time.Duration) (net.Conn, error) {
		return (&net.Dialer{Timeout: timeout, KeepAlive: dialKeepAlive}).DialContext(ctx, network, address)
	})
}

func redial(ctx context.Context, patience time.Duration, dial func(context.Context, time.Duration) (net.Conn, error)) (net.Conn, error) {
	for begun := time.Now(); time.Since(begun) < patience; {
		conn, err := dial(ctx, firstTimeout)
		if err == nil || !passes(err) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err // says more than that the time is over
		case <-time.After(dialStep):
		}
	}
	return dial(ctx, dialTimeout)
}

// passes reports whether an error is one that may be gone in a moment.
func passes(err error) bool {
	var timeout net.Error
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.As(err, &timeout) && timeout.Timeout()
}
