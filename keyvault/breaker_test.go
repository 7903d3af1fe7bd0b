package keyvault

import (
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	open := 0.0
	b := &breaker{jitter: func(d time.Duration) time.Duration { return d }, changed: func(by float64) { open += by }}
	mayGo := func(want bool) {
		t.Helper()
		if _, ok := b.enter(now); ok != want {
			t.Fatalf("a call may go: %v", ok)
		}
	}
	fails := func(o outcome) { t.Helper(); mayGo(true); b.leave(now, o) }
	failing := outcome{reason: Failing}

	// Failures with a success between them open nothing, and other reasons are none.
	fails(failing)
	fails(failing)
	fails(outcome{})
	fails(failing)
	fails(outcome{reason: Forbidden})
	fails(failing)
	fails(failing)
	mayGo(true)
	b.leave(now, outcome{reason: Limited})
	fails(failing)
	if open != 1 {
		t.Fatalf("open: %v", open)
	}
	for _, pause := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		now = now.Add(pause - 1)
		mayGo(false)
		now = now.Add(1)
		mayGo(true)  // the probe
		mayGo(false) // and nobody beside it
		b.leave(now, failing)
	}
	// A probe that was not sent is no answer.
	now = now.Add(time.Minute)
	mayGo(true)
	b.leave(now, outcome{reason: Limited})
	mayGo(true)
	b.leave(now, outcome{absent: true})
	if open != 0 {
		t.Fatalf("open: %v", open)
	}
	// Well again, it begins anew.
	fails(failing)
	fails(failing)
	mayGo(true)
	b.leave(now, failing)
	now = now.Add(5 * time.Second)
	mayGo(true)
	b.leave(now, outcome{})
}

// The vault's own word counts at once, and as it is.
func TestBreakerOfAThrottlingVault(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	b := &breaker{jitter: func(d time.Duration) time.Duration { return d }, changed: func(float64) {}}
	for range 3 { // three calls are under way
		if _, ok := b.enter(now); !ok {
			t.Fatal("kept off")
		}
	}
	b.leave(now, outcome{reason: Throttled, retryAfter: 30 * time.Second})
	b.leave(now, outcome{reason: Throttled, retryAfter: time.Minute})
	b.leave(now, outcome{reason: Failing})
	if because, ok := b.enter(now.Add(time.Minute - 1)); ok || because != Throttled {
		t.Errorf("may go: %v, because %q", ok, because)
	}
	if _, ok := b.enter(now.Add(time.Minute)); !ok {
		t.Error("kept off for longer than the vault wants")
	}
}
