package vault

import (
	"slices"
	"sync"
	"time"
)

// Call is one request that came in, whatever became of it. It never holds a
// token, a value or a query.
type Call struct {
	Time      time.Time `json:"time"`
	Vault     string    `json:"vault"` // as named by the host; empty when it names none
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Principal string    `json:"principal,omitempty"` // empty when nobody was authenticated
	Action    string    `json:"action,omitempty"`    // the data action asked for; empty when there is none such
	Object    string    `json:"object,omitempty"`    // "secrets/NAME", or empty for the vault itself
	Status    int       `json:"status"`              // 0: the caller left without an answer
}

// maxCalls bounds the audit: the oldest calls are forgotten.
const maxCalls = 100_000

// audit is the calls, in the order in which they were answered.
type audit struct {
	mu    sync.Mutex
	calls []Call
	next  int // where the following one goes, once all places are taken
}

func (a *audit) add(c Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.calls) < maxCalls {
		a.calls = append(a.calls, c)
		return
	}
	a.calls[a.next] = c
	a.next = (a.next + 1) % maxCalls
}

// Audit gives the last 100,000 calls, the oldest first. A call is in it before
// its answer is sent.
func (s *Service) Audit() []Call {
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	return slices.Concat(s.audit.calls[s.audit.next:], s.audit.calls[:s.audit.next])
}

// ClearAudit forgets all calls.
func (s *Service) ClearAudit() {
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	s.audit.calls, s.audit.next = nil, 0
}
