package vault

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what a vault does instead of its work, to every request, before it
// looks at the token: an SDK client's first request, which has none, counts too.
type Fault struct {
	// Status answers with this status, 400 to 599, in Key Vault's words.
	Status int `json:"status,omitempty"`
	// RetryAfter is the header of that name, rounded up to whole seconds; it needs
	// a Status.
	RetryAfter time.Duration `json:"retryAfter,omitempty"`
	// Hang never answers, until the request's context ends. When the fault is
	// cleared or replaced, what hangs is served.
	Hang bool `json:"hang,omitempty"`
	// Reset cuts the connection in the middle of the answer's body.
	Reset bool `json:"reset,omitempty"`
	// Delay comes before anything else, and alone before a normal answer. It ends
	// early when the fault is cleared.
	Delay time.Duration `json:"delay,omitempty"`
	// Times is the number of requests that get the fault; 0 is all until it is
	// cleared.
	Times int `json:"times,omitempty"`
}

func (f *Fault) check() error {
	switch {
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status %d: must be 400 to 599, or 0 for none", f.Status)
	case f.RetryAfter < 0 || f.Delay < 0 || f.Times < 0:
		return fmt.Errorf("retryAfter, delay and times must not be negative")
	case f.RetryAfter > 0 && f.Status == 0:
		return fmt.Errorf("retryAfter needs a status, such as 429")
	case f.Hang && (f.Status != 0 || f.Reset):
		return fmt.Errorf("hang gives no answer: leave out status and reset")
	case f.Status == 0 && !f.Hang && !f.Reset && f.Delay == 0:
		return fmt.Errorf("the fault does nothing: give a status, hang, reset or delay")
	}
	return nil
}

// allVaults is the name for a fault of every vault.
const allVaults = "*"

// SetFault gives a vault a fault, replacing its former one; nil clears it. Vault
// "*" is all vaults, also those made later: one fault with one count for all. A
// vault's own fault goes first, and clearing "*" clears those too.
func (s *Service) SetFault(vault string, f *Fault) error {
	if f != nil {
		if err := f.check(); err != nil {
			return fmt.Errorf("vault %s: fault: %w", vault, err)
		}
	}
	if vault == allVaults && f == nil {
		s.faults.clear()
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if vault != allVaults {
		if _, err := s.vault(vault); err != nil {
			return err
		}
	}
	s.faults.set(fold(vault), f)
	return nil
}

// activeFault is a fault in force.
type activeFault struct {
	Fault
	left    int           // of Times; -1 is no end
	cleared chan struct{} // closed when it is cleared or replaced
	waiting atomic.Int64  // requests that its delay or its hanging holds
}

// Waiting is how many requests to a vault its fault holds at the moment.
func (s *Service) Waiting(vault string) int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	fault, ok := s.faults.active[fold(vault)]
	if !ok {
		return 0
	}
	return int(fault.waiting.Load())
}

type faults struct {
	mu     sync.Mutex
	active map[string]*activeFault // by folded vault name, or allVaults
}

func (f *faults) set(vault string, fault *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old, ok := f.active[vault]; ok {
		close(old.cleared)
		delete(f.active, vault)
	}
	if fault == nil {
		return
	}
	if f.active == nil {
		f.active = map[string]*activeFault{}
	}
	left := fault.Times
	if left == 0 {
		left = -1
	}
	f.active[vault] = &activeFault{Fault: *fault, left: left, cleared: make(chan struct{})}
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, old := range f.active {
		close(old.cleared)
	}
	clear(f.active)
}

// take gives the fault that a request to a vault meets, if any, and counts it.
func (f *faults) take(vault string) *activeFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range []string{vault, allVaults} {
		fault, ok := f.active[name]
		if !ok || fault.left == 0 {
			continue
		}
		if fault.left > 0 {
			fault.left--
		}
		return fault
	}
	return nil
}

// wait passes a fault's delay, and hangs when it says so. It returns an error
// when nobody waits for an answer any more.
func (f *activeFault) wait(ctx context.Context) error {
	f.waiting.Add(1)
	defer f.waiting.Add(-1)
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-f.cleared:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Hang {
		select {
		case <-f.cleared:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (f *activeFault) isCleared() bool {
	select {
	case <-f.cleared:
		return true
	default:
		return false
	}
}

// refusal is the answer of a fault with a status. The words of 429 are Azure's.
func (c *call) refusal(f *activeFault) *StatusError {
	if f.RetryAfter > 0 {
		c.header.Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	e := &StatusError{Status: f.Status}
	switch f.Status {
	case http.StatusTooManyRequests:
		e.Code = "Throttled"
		e.Message = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
	case http.StatusInternalServerError:
		e.Code = "InternalServerError"
		e.Message = "The service has encountered an internal server error and was unable to complete the request."
	case http.StatusServiceUnavailable:
		e.Code = "ServiceUnavailable"
		e.Message = "The service is temporarily unavailable."
	case http.StatusUnauthorized:
		c.header.Set("WWW-Authenticate", c.challenge())
		e.Code = "Unauthorized"
		e.Message = "The token was refused by a fault of this vault."
	case http.StatusForbidden:
		e.Code = "Forbidden"
		e.Message = "The request was refused by a fault of this vault."
	default:
		e.Code = strings.ReplaceAll(http.StatusText(f.Status), " ", "")
		if e.Code == "" {
			e.Code = strconv.Itoa(f.Status)
		}
		e.Message = "The request met a fault of this vault."
	}
	return e
}
