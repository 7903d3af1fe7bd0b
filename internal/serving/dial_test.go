package serving

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"
)

// refusing refuses a number of connections.
func refusing(count int, dialed *int, err error) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		*dialed++
		if *dialed <= count {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
		client, server := net.Pipe()
		_ = server.Close()
		return client, nil
	}
}

func TestRedial(t *testing.T) {
	dialed := 0
	conn, err := redial(t.Context(), time.Minute, refusing(3, &dialed, syscall.ECONNREFUSED))
	if err != nil || conn == nil || dialed != 4 {
		t.Errorf("refused three times: %v, %v after %d", conn, err, dialed)
	}
	// Another error is no better in a moment, and one that stays is told.
	dialed = 0
	if _, err := redial(t.Context(), time.Minute, refusing(1, &dialed, syscall.EHOSTUNREACH)); !errors.Is(err, syscall.EHOSTUNREACH) || dialed != 1 {
		t.Errorf("unreachable: %v after %d", err, dialed)
	}
	dialed = 0
	if _, err := redial(t.Context(), 0, refusing(100, &dialed, syscall.ECONNREFUSED)); !errors.Is(err, syscall.ECONNREFUSED) || dialed != 1 {
		t.Errorf("without patience: %v after %d", err, dialed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dialed = 0
	if _, err := redial(ctx, time.Minute, refusing(100, &dialed, syscall.ECONNREFUSED)); !errors.Is(err, syscall.ECONNREFUSED) || dialed != 1 {
		t.Errorf("ended: %v after %d", err, dialed)
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
