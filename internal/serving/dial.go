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
	// dialPatience is how long a refused connection is tried again: less than the API server waits for a webhook.
	dialPatience = 3 * time.Second
	dialStep     = 100 * time.Millisecond
	// As client-go has them.
	dialTimeout   = 30 * time.Second
	dialKeepAlive = 30 * time.Second
)

// Dial connects to the API server. A connection that is refused is tried again for a while: when an API server has started again it calls webhooks
// at once, and the Service by which it is called back leads to it a second later. Nothing has been sent by then, so that nothing is done twice.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: dialKeepAlive}
	return redial(ctx, dialPatience, func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, network, address) })
}

func redial(ctx context.Context, patience time.Duration, dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	for begun := time.Now(); ; {
		conn, err := dial(ctx)
		if err == nil || !errors.Is(err, syscall.ECONNREFUSED) || time.Since(begun) >= patience {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err // more than that the time is over
		case <-time.After(dialStep):
		}
	}
}
