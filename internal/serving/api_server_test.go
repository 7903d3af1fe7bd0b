package serving

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

func TestAPIServerComesLate(t *testing.T) {
	s := NewAPIServer(time.Millisecond, logr.Discard())
	says := func(want string) {
		t.Helper()
		if err := s.Ready(nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	says("not tried yet")
	asked := 0
	came := s.Await(t.Context(), func(context.Context) error {
		if asked++; asked == 1 {
			return errors.New("connection refused")
		}
		says("connection refused")
		return nil
	})
	if !came || asked != 2 {
		t.Errorf("came: %t, asked %d times; want true, and 2", came, asked)
	}
	if err := s.Ready(nil); err != nil {
		t.Errorf("after an answer: %v", err)
	}
}

func TestAPIServerIsNotAwaitedAfterTheEnd(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	s := NewAPIServer(time.Hour, logr.Discard())
	came := s.Await(ctx, func(context.Context) error {
		stop()
		return errors.New("connection refused")
	})
	if came || s.Ready(nil) == nil {
		t.Errorf("came: %t, ready: %t; want neither", came, s.Ready(nil) == nil)
	}
}
