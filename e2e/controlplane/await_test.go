package controlplane

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAwaitOutlivesErrorsAndTellsTheLast(t *testing.T) {
	refused, calls := errors.New("connection refused"), 0
	err := await(t.Context(), func(context.Context) error {
		if calls++; calls < 3 {
			return refused
		}
		return nil
	})
	if err != nil || calls != 3 {
		t.Errorf("%v after %d calls, want none after 3", err, calls)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = await(ctx, func(context.Context) error { return refused })
	if !errors.Is(err, refused) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want both what was missing and the deadline", err)
	}
}
