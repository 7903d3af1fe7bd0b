package azure

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/faults"
)

// SetTokenFault makes the token endpoint fail; nil ends it.
func (s *Server) SetTokenFault(fault *faults.Fault) error {
	if fault != nil && fault.Status != 0 && (fault.Status < 400 || fault.Status > 599) {
		return arm.BadRequest("The status %d of a fault must be 400 to 599, or 0 for none.", fault.Status)
	}
	s.entra.tokenFault.set(fault)
	return nil
}

// SetVaultFault makes a vault fail; nil ends it.
func (s *Server) SetVaultFault(name string, fault *faults.Fault) error {
	found, err := s.subscription.Vault(name)
	if err != nil {
		return err
	}
	return s.vaults.SetFault(found.Name, fault)
}

// currentFault is the fault of an endpoint, if any.
type currentFault struct {
	mu      sync.Mutex
	current *faults.Fault
	left    int           // how many requests it is still for, where Times says so
	cleared chan struct{} // closed when current is replaced
}

func (f *currentFault) set(fault *faults.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != nil {
		close(f.cleared)
	}
	f.current = nil
	if fault != nil {
		own := *fault
		f.current, f.left, f.cleared = &own, own.Times, make(chan struct{})
	}
}

// take gives the fault that the next request meets, and counts it. One that is used
// up stays, so that those who hang on it can be let go.
func (f *currentFault) take() (faults.Fault, <-chan struct{}, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		return faults.Fault{}, nil, false
	}
	if f.current.Times > 0 {
		if f.left == 0 {
			return faults.Fault{}, nil, false
		}
		f.left--
	}
	return *f.current, f.cleared, true
}

// apply does to a request what the fault says. It gives the status that the client
// saw, 0 if it saw none, and whether there is nothing left to answer.
func (f *currentFault) apply(w http.ResponseWriter, r *http.Request) (status int, answered bool) {
	fault, cleared, ok := f.take()
	if !ok {
		return 0, false
	}
	if fault.Delay > 0 {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-cleared:
		case <-r.Context().Done():
			return 0, true
		}
	}
	switch {
	case fault.Hang:
		select {
		case <-cleared: // Azure is well again, and answers those that still wait
			return 0, false
		case <-r.Context().Done():
			return 0, true
		}
	case fault.Reset:
		reset(w)
		return 0, true
	case fault.Status != 0:
		if fault.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(fault.RetryAfter.Seconds()))))
		}
		writeJSON(w, fault.Status, map[string]any{
			"error":             "temporarily_unavailable",
			"error_description": fmt.Sprintf("AADSTS90033: A transient error has occurred. Please try again. (%s)", http.StatusText(fault.Status)),
			"error_codes":       []int{90033},
		})
		return fault.Status, true
	default:
		return 0, false
	}
}

// reset ends a connection without an answer. Over HTTP/2 only the request's stream
// can be: it is aborted.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to break off, which it does not log
	}
	abort(conn)
}
