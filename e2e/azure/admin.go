package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/vault"
)

// The admin API is HTTP over a unix socket, for what only an administrator may do,
// from another process: POST /NAME with the operation's input as JSON. Who can open
// the socket is the administrator.

// operation is one call of the admin API, known by both of its ends.
type operation[In, Out any] struct{ name string }

// nothing is the input or output of an operation that has none.
type nothing struct{}

const (
	maxAdminBody  = 4 << 20
	maxSocketPath = 107 // of Linux, where the error would be "invalid argument"
)

// serve answers an operation with what do gives.
func (o operation[In, Out]) serve(mux *http.ServeMux, do func(context.Context, In) (Out, error)) {
	mux.HandleFunc("POST /"+o.name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdminBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
			refuseAdmin(w, arm.BadRequest("The body is not what %s takes: %s.", o.name, err))
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			refuseAdmin(w, err)
			return
		}
		writeJSON(w, http.StatusOK, out)
	})
}

// call asks a server for an operation.
func (o operation[In, Out]) call(ctx context.Context, c *Client, in In) (out Out, err error) {
	err = c.post(ctx, o.name, in, &out)
	return out, err
}

func refuseAdmin(w http.ResponseWriter, err error) {
	refusal := &arm.Error{Code: arm.CodeBadRequest, Message: err.Error()}
	status := http.StatusBadRequest
	var fromVault *vault.StatusError
	switch {
	case errors.As(err, &refusal):
		switch refusal.Code {
		case arm.CodeNotFound:
			status = http.StatusNotFound
		case arm.CodeConflict:
			status = http.StatusConflict
		}
	case errors.As(err, &fromVault):
		refusal.Code, refusal.Message = fromVault.Code, fromVault.Message
		status = fromVault.Status
	}
	writeJSON(w, status, map[string]any{"error": refusal})
}

// adminServer is the listener of the admin API.
type adminServer struct {
	http *http.Server
	done chan struct{}
}

func startAdmin(ctx context.Context, socket string, handler http.Handler) (*adminServer, error) {
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
	a := &adminServer{
		http: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute},
		done: make(chan struct{}),
	}
	go func() {
		defer close(a.done)
		_ = a.http.Serve(listener) // ends when it is closed
	}()
	return a, nil
}

// removeDeadSocket removes what a server that was killed left behind, and nothing
// else: not a socket that answers, nor a file that is none.
func removeDeadSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil //nolint:nilerr // nothing is there; if it cannot be made, listening will say so
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

func (a *adminServer) close() error {
	err := a.http.Close()
	<-a.done
	return err
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has gone
}
