package events

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
)

const (
	// deliveriesPerSecond and deliveriesAtOnce bound the work that the network can cause, of
	// which the check of a token's signature is the most.
	deliveriesPerSecond = 50
	deliveriesAtOnce    = 200
	// readTimeout is for a request, and shutdownTimeout for those that are under way at the end.
	readTimeout     = 10 * time.Second
	shutdownTimeout = 5 * time.Second
)

// The media types of CloudEvents over HTTP.
const (
	structured = "application/cloudevents+json"
	batched    = "application/cloudevents-batch+json"
)

// EndpointOptions of NewEndpoint.
type EndpointOptions struct {
	// Address to listen on.
	Address string
	// Certificate to serve with.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Senders     Senders
	// Peers is the host name by which all replicas are found, and their port; empty if there is
	// one replica.
	Peers string
	// Hear takes a hint, and reports whether this replica leads.
	Hear    func(Hint) bool
	Metrics *Metrics
	Log     logr.Logger
	// Bound limits the connections of the server, and what it logs; nil leaves both to net/http.
	Bound func(*http.Server)
	// Client asks for the tenant's keys; nil is one of its own.
	Client *http.Client
	// Clock is time.Now if it is nil.
	Clock func() time.Time
}

// Endpoint takes CloudEvents that Event Grid delivers over HTTPS. It runs on each replica, since a
// Service may call any, and is a manager.Runnable.
type Endpoint struct {
	o       EndpointOptions
	limiter *rate.Limiter
	forward *forwarder
	ready   chan struct{}
	addr    net.Addr
}

// NewEndpoint makes an endpoint. Start serves it.
func NewEndpoint(o EndpointOptions) *Endpoint {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: callTimeout}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Endpoint{
		o: o, limiter: rate.NewLimiter(deliveriesPerSecond, deliveriesAtOnce),
		forward: newForwarder(o.Peers, o.Certificate), ready: make(chan struct{}),
	}
}

// NeedLeaderElection is false: see Endpoint.
func (*Endpoint) NeedLeaderElection() bool { return false }

// Start serves until ctx ends.
func (e *Endpoint) Start(ctx context.Context) error {
	v, err := newVerifier(ctx, e.o.Senders, e.o.Client, e.o.Clock)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", e.o.Address)
	if err != nil {
		return err
	}
	e.addr = listener.Addr()
	close(e.ready)
	server := &http.Server{
		Handler:     e.handler(v),
		TLSConfig:   &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: e.o.Certificate},
		ReadTimeout: readTimeout, WriteTimeout: 2 * readTimeout, IdleTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	if e.o.Bound != nil {
		e.o.Bound(server)
	}
	ended := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		_ = server.Shutdown(late)
	})
	defer ended()
	e.o.Log.Info("events are taken over HTTPS", "address", e.addr.String())
	if err := server.ServeTLS(listener, "", ""); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// handler serves the handshake, and deliveries of whoever v lets in.
func (e *Endpoint) handler(v *verifier) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("OPTIONS /events", e.handshake)
	mux.HandleFunc("POST /events", func(w http.ResponseWriter, r *http.Request) {
		if !e.limiter.Allow() {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many deliveries", http.StatusTooManyRequests)
			return
		}
		e.deliver(v, w, r)
	})
	return mux
}

// handshake lets Event Grid deliver, as the specification of CloudEvents webhooks asks for: who
// does not answer gets no events. It says nothing that a stranger could use.
func (e *Endpoint) handshake(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("WebHook-Request-Origin")
	if origin == "" || len(origin) > 253 || !hostName(origin) {
		http.Error(w, "WebHook-Request-Origin is missing, or no host", http.StatusBadRequest)
		return
	}
	w.Header().Set("WebHook-Allowed-Origin", origin)
	w.Header().Set("WebHook-Allowed-Rate", strconv.Itoa(60*deliveriesPerSecond))
	w.Header().Set("Allow", "OPTIONS, POST")
	w.WriteHeader(http.StatusOK)
}

// hostName reports whether a text is letters, digits, dots and hyphens alone.
func hostName(s string) bool {
	return strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

func (e *Endpoint) deliver(v *verifier, w http.ResponseWriter, r *http.Request) {
	if err := v.check(r.Context(), r.Header); err != nil {
		e.o.Metrics.posts.WithLabelValues("refused").Inc()
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		e.o.Metrics.posts.WithLabelValues("refused").Inc()
		http.Error(w, "the body cannot be read, or is too long", http.StatusRequestEntityTooLarge)
		return
	}
	single, status := e.events(r.Header, body)
	if status != 0 {
		e.o.Metrics.posts.WithLabelValues("refused").Inc()
		http.Error(w, "the Content-Type is not one of CloudEvents over HTTP in JSON", status)
		return
	}
	hints, err := Parse(single)
	if err != nil && len(hints) == 0 {
		e.o.Metrics.count(nil, err)
		e.o.Metrics.posts.WithLabelValues("refused").Inc()
		http.Error(w, err.Error(), http.StatusBadRequest) // Event Grid does not try that again
		return
	}
	leads := true
	for _, h := range hints {
		leads = e.o.Hear(h) && leads
	}
	switch {
	case leads:
		e.o.Metrics.count(hints, err)
		e.o.Metrics.posts.WithLabelValues("taken").Inc()
		w.WriteHeader(http.StatusOK)
	case r.Header.Get(forwarded) == "" && e.forward.send(r, body):
		e.o.Metrics.posts.WithLabelValues("handed on").Inc()
		w.WriteHeader(http.StatusOK)
	default:
		e.o.Metrics.posts.WithLabelValues("nobody").Inc()
		w.Header().Set("Retry-After", "10")
		http.Error(w, "no replica leads now", http.StatusServiceUnavailable)
	}
}

// events is the body as Parse takes it, in each of the modes of CloudEvents over HTTP.
func (*Endpoint) events(header http.Header, body []byte) (all []byte, status int) {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case err != nil:
		return nil, http.StatusUnsupportedMediaType
	case media == structured, media == batched:
		return body, 0
	case media != "application/json" || header.Get("Ce-Specversion") == "":
		return nil, http.StatusUnsupportedMediaType
	}
	// Binary mode: what it is about is in headers, and the body is the data.
	if !json.Valid(body) {
		return nil, http.StatusBadRequest
	}
	all, err = json.Marshal(event{Type: header.Get("Ce-Type"), Data: body})
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return all, 0
}
