// Package await waits for conditions that goroutines, programs and clusters bring about.
// Its errors say what was awaited, for how long, and what was seen last.
package await

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// Poll says how long to wait and how often to look.
type Poll struct {
	// Limit is the longest wait. Zero waits for as long as the context lasts.
	Limit time.Duration
	// Every is the pause between two looks. Zero is 20 ms.
	Every time.Duration
}

// Until waits until the condition holds. The condition looks at once and then after each
// pause, and also says what it saw.
func (p Poll) Until(ctx context.Context, what string, condition func(context.Context) (holds bool, seen string)) error {
	return p.Success(ctx, what, func(ctx context.Context) error {
		holds, seen := condition(ctx)
		if holds {
			return nil
		}
		return errors.New(seen)
	})
}

// Success waits until an attempt returns no error. Its own error wraps the last one of an
// attempt and the context's.
func (p Poll) Success(ctx context.Context, what string, attempt func(context.Context) error) error {
	if p.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Limit)
		defer cancel()
	}
	begun := time.Now()
	var last error
	for {
		err := attempt(ctx)
		if err == nil {
			return nil
		}
		// An attempt that the deadline cut short says less than the one before.
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return failure(what, context.Cause(ctx), begun, last)
		case <-time.After(p.pause()):
		}
	}
}

// Retry is Success without a context, for cleanup that nothing may cut short. It needs a
// limit.
func (p Poll) Retry(what string, attempt func() error) error {
	for begun := time.Now(); ; time.Sleep(p.pause()) {
		err := attempt()
		if err == nil {
			return nil
		}
		if time.Since(begun) >= p.Limit {
			return failure(what, context.DeadlineExceeded, begun, err)
		}
	}
}

// Require is Until in a test, and ends the test if the condition does not hold in time.
func (p Poll) Require(tb testing.TB, what string, condition func(context.Context) (holds bool, seen string)) {
	tb.Helper()
	if err := p.Until(tb.Context(), what, condition); err != nil {
		tb.Fatal(err)
	}
}

func (p Poll) pause() time.Duration {
	if p.Every == 0 {
		return 20 * time.Millisecond
	}
	return p.Every
}

func failure(what string, cause error, begun time.Time, last error) error {
	took := time.Since(begun).Round(10 * time.Millisecond)
	return fmt.Errorf("waiting for %s: %w after %s; last seen: %w", what, cause, took, last)
}
