package serving

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"akv-injector/internal/text"
)

// maxReason limits the reason of one check in an answer, in characters.
const maxReason = 512

// Check reports why a part of the program is not ready, or nil if it is.
type Check func(*http.Request) error

// Probes serves /healthz (the program is alive) and /readyz (it may be sent requests).
// controller-runtime serves both too, but leaves out the reasons, which are what people
// open /readyz for.
type Probes struct {
	log logr.Logger

	mu     sync.Mutex
	checks []namedCheck
	// last is the answer that was logged last.
	last string
}

type namedCheck struct {
	name  string
	check Check
}

// NewProbes returns Probes without checks, which are ready. A change of the answer is
// logged.
func NewProbes(log logr.Logger) *Probes { return &Probes{log: log, last: "starting"} }

// Add adds a readiness check.
func (p *Probes) Add(name string, check Check) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks = append(p.checks, namedCheck{name, check})
}

// Serve listens on address and answers until the returned function is called. ctx limits
// the listening alone: a program that is stopping still has to answer.
func (p *Probes) Serve(ctx context.Context, address string) (stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: p.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error(err, "probes are no longer served")
		}
	}()
	return func() { _ = server.Close() }, nil
}

// Handler returns the handler of the two paths.
func (p *Probes) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/readyz", p.ready)
	return mux
}

func (p *Probes) ready(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	checks := p.checks
	p.mu.Unlock()

	var problems []string
	for _, c := range checks {
		if err := c.check(r); err != nil {
			problems = append(problems, c.name+": "+text.Line(err.Error(), maxReason))
		}
	}
	answer := strings.Join(problems, "\n")
	p.logChange(answer)
	if answer != "" {
		http.Error(w, "not ready\n"+answer, http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

// logChange logs an answer only if it differs from the last: probes come every few
// seconds.
func (p *Probes) logChange(answer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answer == p.last {
		return
	}
	p.last = answer
	if answer == "" {
		p.log.Info("ready")
		return
	}
	p.log.Info("not ready", "reasons", strings.Split(answer, "\n"))
}
