package keyvault

import (
	"sync"
	"time"
)

const (
	// failuresToOpen is how many calls in a row have to fail before a vault is left alone.
	failuresToOpen = 3
	// firstOpen is for how long at first; each probe that fails doubles it up to lastOpen.
	firstOpen = 5 * time.Second
	lastOpen  = time.Minute
)

// breaker leaves a vault alone that fails, so that admissions do not wait for it one by
// one, and late calls do not keep it open. When its time is over, one call
// probes the vault; the others are still kept off until that has ended.
type breaker struct {
	// jitter spreads a duration, so that replicas do not probe together.
	jitter func(time.Duration) time.Duration
	// changed is called when the breaker opens (+1) and closes (-1).
	changed func(by float64)

	mu sync.Mutex
	// failures in a row.
	failures int
	open     bool
	// until is when the next probe may go, and pause how long the breaker was open last.
	until   time.Time
	pause   time.Duration
	because Reason
	probing bool
}

// enter reports whether a call may go, and the reason for which the breaker is open
// otherwise. A call that was admitted must call leave.
func (b *breaker) enter(now time.Time) (because Reason, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return "", true
	}
	if b.probing || now.Before(b.until) {
		return b.because, false
	}
	b.probing = true
	return "", true
}

// leave reports how a call ended.
func (b *breaker) leave(now time.Time, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o.reason == Limited {
		b.probing = false // the vault was not queried
		return
	}
	if !blames(o.reason) {
		b.failures, b.pause = 0, 0
		if b.open {
			b.open, b.probing = false, false
			b.changed(-1)
		}
		return
	}
	b.failures++
	if b.open && !b.probing && now.Before(b.until) {
		// A call that had begun before the breaker opened. Only a longer wait that the
		// vault itself asks for counts.
		if until := now.Add(o.retryAfter); until.After(b.until) {
			b.until = until
		}
		return
	}
	if b.failures < failuresToOpen && !b.open && o.retryAfter == 0 && o.reason != Throttled {
		return
	}
	b.pause = min(max(2*b.pause, firstOpen), lastOpen)
	wait := b.jitter(b.pause)
	if o.retryAfter > 0 {
		wait = o.retryAfter // no sooner, and no later
	}
	b.until, b.because, b.probing = now.Add(wait), o.reason, false
	if !b.open {
		b.open = true
		b.changed(1)
	}
}

// retire closes the breaker for the metrics, whatever calls still under way may bring.
func (b *breaker) retire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		b.changed(-1)
	}
	b.changed = func(float64) {}
}

// blames reports whether a reason is about the vault, or the way to it, as a whole. A right
// that is missing may be one object's, and the vault is well.
func blames(r Reason) bool {
	switch r {
	case "", Forbidden, Invalid, Limited, Open:
		return false
	default:
		return true
	}
}
