// Package faults describes what Azure does wrong on purpose. Entra ID's token endpoint
// and the vaults take the same faults, each in its own words.
package faults

import (
	"fmt"
	"time"
)

// Fault is what a service does instead of its work. It happens before the service
// looks at the request: an SDK client's first request to a vault, which has no token,
// counts too. A fault that has only a Delay is slow, but right.
type Fault struct {
	// Status answers with this status, 400 to 599, in the service's words.
	Status int `json:"status,omitempty"`
	// RetryAfter is the header of that name, rounded up to whole seconds; it needs
	// a Status.
	RetryAfter time.Duration `json:"retryAfter,omitempty"`
	// Hang never answers, until the request's context ends. When the fault is
	// cleared or replaced, what hangs is served.
	Hang bool `json:"hang,omitempty"`
	// Reset cuts the connection: a vault in the middle of the answer's body, the token
	// endpoint before any answer.
	Reset bool `json:"reset,omitempty"`
	// Delay comes before anything else, and alone before a normal answer. It ends
	// early when the fault is cleared.
	Delay time.Duration `json:"delay,omitempty"`
	// Times is the number of requests that get the fault; 0 is all until it is
	// cleared.
	Times int `json:"times,omitempty"`
}

// Check reports what is wrong with a fault that is set at a vault.
func (f *Fault) Check() error {
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
