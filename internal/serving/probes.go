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

// maxReason is how much of a reason is answered, in characters.
const maxReason = 512

// Check says why a part of the program is not ready, or nil.
type Check func(*http.Request) error

// Probes serves /healthz (alive) and /readyz (may be called). controller-runtime
// has both too, but withholds the reasons, which are what one looks there for.
type Probes struct {
	log logr.Logger

	mu     sync.Mutex
	checks []namedCheck
	// last is what was logged last.
	last string
}

type namedCheck struct {
	name  string
	check Check
}

// NewProbes returns Probes that are ready as long as nobody adds a check. The log
// gets a line whenever the answer changes.
func NewProbes(log logr.Logger) *Probes { return &Probes{log: log, last: "starting"} }

// Add adds a readiness check.
func (p *Probes) Add(name string, check Check) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks = append(p.checks, namedCheck{name, check})
}

// Handler serves the two paths.
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

// logChange logs an answer that is not the last one: probes come every few seconds.
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

// ServeProbes serves until the returned function is called.
func ServeProbes(ctx context.Context, address string, probes *Probes, log logr.Logger) (func(), error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: probes.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error(err, "probes are no longer served")
		}
	}()
	return func() { _ = server.Close() }, nil
}
