package serving

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestReach(t *testing.T) {
	now := time.Now()
	var failure error
	r := NewReach(func(context.Context) error { return failure }, time.Second, time.Minute)
	r.now = func() time.Time { return now }
	look := func(after time.Duration, err error) error {
		now, failure = now.Add(after), err
		r.look(t.Context())
		return r.Ready(nil)
	}
	gone := errors.New("connection refused")
	for _, step := range []struct {
		what  string
		after time.Duration
		err   error
		ready bool
	}{
		{"at first", 0, nil, true},
		{"a restart", 30 * time.Second, gone, true},
		{"is tolerated", 30 * time.Second, gone, true},
		{"but not for long", time.Second, gone, false},
		{"nor for longer", time.Hour, gone, false},
		{"until it is over", time.Second, nil, true},
		{"and may come again", time.Minute, gone, true},
	} {
		err := look(step.after, step.err)
		if (err == nil) != step.ready {
			t.Errorf("%s: %v, want ready %t", step.what, err, step.ready)
		}
		if err != nil && !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: %v does not say why", step.what, err)
		}
	}
}

// One that never answers is as good as one that fails.
func TestReachDoesNotWait(t *testing.T) {
	r := NewReach(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, time.Millisecond, 0)
	r.look(t.Context())
	if err := r.Ready(nil); err == nil {
		t.Error("ready, without an answer")
	}
}

func TestReachEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := NewReach(func(context.Context) error { cancel(); return errors.New("stopped") }, time.Hour, 0)
	r.Run(ctx)
	if err := r.Ready(nil); err != nil {
		t.Errorf("the end of the program is no failure: %v", err)
	}
}
