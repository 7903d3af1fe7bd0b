package serving

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"akv-injector/internal/text"
)

const (
	// shutdownTimeout is how long requests that are under way may take at the end.
	shutdownTimeout = time.Minute
	// maxHeaderBytes of a request. The API server's are a few hundred bytes.
	maxHeaderBytes = 16 << 10
)

// WebhookServer serves the webhooks, as controller-runtime's own server does, and bounds the
// connections: that one accepts as many as there is memory for.
type WebhookServer struct {
	address string
	tls     *tls.Config
	log     logr.Logger
	mux     *http.ServeMux
	started atomic.Bool
}

// NewWebhookServer returns a server for an address, which takes its certificate from the
// config.
func NewWebhookServer(host string, port int, config *tls.Config, log logr.Logger) *WebhookServer {
	// With HTTP/2 the API server sends all calls over one connection. Large bodies that wait
	// there to be read fill its window, and keep back the small ones behind them; and all calls
	// go to one replica.
	config.NextProtos = []string{"http/1.1"}
	return &WebhookServer{address: net.JoinHostPort(host, strconv.Itoa(port)), tls: config, log: log, mux: http.NewServeMux()}
}

// Bound lets a server of another port have as many connections as the webhooks' own, and no word of
// who connects in the log but at debug level and cut.
func Bound(server *http.Server, log logr.Logger) {
	server.ConnState = newConnections(maxConnections).state
	server.ErrorLog = stdlog.New(debugLog{log}, "", 0)
}

// NeedLeaderElection reports that every replica serves.
func (*WebhookServer) NeedLeaderElection() bool { return false }

// Register serves a handler under a path.
func (s *WebhookServer) Register(path string, handler http.Handler) { s.mux.Handle(path, handler) }

// WebhookMux has the handlers.
func (s *WebhookServer) WebhookMux() *http.ServeMux { return s.mux }

// Start serves until ctx ends, and then until the requests that are under way are answered.
func (s *WebhookServer) Start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.address)
	if err != nil {
		return err
	}
	return s.serve(ctx, listener)
}

func (s *WebhookServer) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.mux,
		ReadHeaderTimeout: idleTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	Bound(server, s.log)
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		done <- server.Shutdown(ending)
	}()
	s.log.Info("serving the webhooks", "address", s.address)
	s.started.Store(true)
	if err := server.Serve(tls.NewListener(listener, s.tls)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-done; err != nil {
		s.log.Error(err, "requests that were under way are cut off")
	}
	return nil
}

// debugLog logs what the server says of connections that fail: whoever reaches the port can make
// it say that as often as he likes.
type debugLog struct{ log logr.Logger }

func (d debugLog) Write(line []byte) (int, error) {
	d.log.V(1).Info("connection failed", "reason", text.Line(strings.TrimSpace(string(line)), maxReason))
	return len(line), nil
}

// StartedChecker returns a check that the server takes connections.
func (s *WebhookServer) StartedChecker() healthz.Checker {
	return func(*http.Request) error {
		if !s.started.Load() {
			return errNotStarted
		}
		dialer := &tls.Dialer{
			NetDialer: &net.Dialer{Timeout: 2 * time.Second},
			Config:    &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // Ourselves; the certificate has a check of its own.
		}
		conn, err := dialer.Dial("tcp", s.address)
		if err != nil {
			return fmt.Errorf("the webhook server is not reachable: %w", err)
		}
		return conn.Close()
	}
}
