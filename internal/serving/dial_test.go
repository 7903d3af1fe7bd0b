package serving

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"
)

// failing fails a number of times.
func failing(count int, dialed *[]time.Duration, err error) func(context.Context, time.Duration) (net.Conn, error) {
	return func(_ context.Context, timeout time.Duration) (net.Conn, error) {
		*dialed = append(*dialed, timeout)
		if len(*dialed) <= count {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
		client, server := net.Pipe()
		_ = server.Close()
		return client, nil
	}
}

func TestRedial(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ended    bool // nobody waits any more
		patience time.Duration
		count    int
		err      error
		want     []time.Duration // of each try
		fails    bool
	}{
		"refused three times":   {false, time.Minute, 3, syscall.ECONNREFUSED, []time.Duration{firstTimeout, firstTimeout, firstTimeout, firstTimeout}, false},
		"sent to nobody":        {false, time.Minute, 1, syscall.EHOSTUNREACH, []time.Duration{firstTimeout, firstTimeout}, false},
		"no answer":             {false, time.Minute, 1, os.ErrDeadlineExceeded, []time.Duration{firstTimeout, firstTimeout}, false},
		"another error":         {false, time.Minute, 1, syscall.EACCES, []time.Duration{firstTimeout}, true},
		"patience is over":      {false, 0, 0, nil, []time.Duration{dialTimeout}, false},
		"refused for too long":  {false, time.Nanosecond, 100, syscall.ECONNREFUSED, nil, true},
		"nobody waits any more": {true, time.Minute, 100, syscall.ECONNREFUSED, []time.Duration{firstTimeout}, true},
	} {
		var dialed []time.Duration
		ctx := t.Context()
		if c.ended {
			ctx = ended
		}
		conn, err := redial(ctx, c.patience, failing(c.count, &dialed, c.err))
		if (err != nil) != c.fails || (conn == nil) != c.fails || c.fails && !errors.Is(err, c.err) || c.want != nil && !slices.Equal(dialed, c.want) {
			t.Errorf("%s: %v, %v after %v", name, conn, err, dialed)
		}
	}
}

// A request waits for a server that starts a moment later, and is sent once.
func TestDial(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	asked := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	time.AfterFunc(2*dialStep, func() {
		again, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		if err != nil {
			return // another program has the port now, and refuses or answers
		}
		server.Listener = again
		server.Start()
	})
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{DialContext: Dial, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if asked != 1 {
		t.Errorf("the server was asked %d times", asked)
	}
}
