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

	"akv-injector/e2e/azure/faults"
)

// allVaults is the name for a fault of every vault.
const allVaults = "*"

// SetFault gives a vault a fault, replacing its former one; nil clears it. Vault
// "*" is all vaults, also those made later: one fault with one count for all. A
// vault's own fault goes first, and clearing "*" clears those too.
func (s *Service) SetFault(vault string, f *faults.Fault) error {
	if f != nil {
		if err := f.Check(); err != nil {
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
	faults.Fault
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

// faultTable has the faults in force.
type faultTable struct {
	mu     sync.Mutex
	active map[string]*activeFault // by folded vault name, or allVaults
}

func (f *faultTable) set(vault string, fault *faults.Fault) {
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

func (f *faultTable) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, old := range f.active {
		close(old.cleared)
	}
	clear(f.active)
}

// take gives the fault that a request to a vault meets, if any, and counts it.
func (f *faultTable) take(vault string) *activeFault {
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
