package entra

import (
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/azure/reply"
)

// SetFault makes the token endpoint fail; nil ends the fault.
func (s *Service) SetFault(fault *faults.Fault) error {
	if fault != nil && fault.Status != 0 && (fault.Status < 400 || fault.Status > 599) {
		return arm.BadRequest("The status %d of a fault must be 400 to 599, or 0 for none.", fault.Status)
	}
	s.fault.set(fault)
	return nil
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

// take returns the fault of the next request, and counts it. One that is used up
// stays, so that requests that hang on it can be released.
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

// apply does to a request what the fault says. It returns the status that the client
// saw, 0 if none, and whether the request is done.
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
		case <-cleared: // the fault is over: what still waits is answered
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
		reply.JSON(w, fault.Status, map[string]any{
			"error":             "temporarily_unavailable",
			"error_description": fmt.Sprintf("AADSTS90033: A transient error has occurred. Please try again. (%s)", http.StatusText(fault.Status)),
			"error_codes":       []int{90033},
		})
		return fault.Status, true
	default:
		return 0, false
	}
}

// reset ends a connection without an answer. Over HTTP/2 only the request's stream can
// be ended.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to break off, which it does not log
	}
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a close is then a reset; the connection is closed in any case
	}
	_ = conn.Close()
}
