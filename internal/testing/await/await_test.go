package await_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"akv-injector/internal/testing/await"
)

var errRefused = errors.New("connection refused")

func TestUntilTheConditionHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, looks := time.Now(), 0
		poll := await.Poll{Limit: time.Minute, Every: time.Second}
		poll.Require(t, "the third look", func(context.Context) (bool, string) {
			looks++
			return looks == 3, fmt.Sprint(looks)
		})
		if took := time.Since(begun); looks != 3 || took != 2*time.Second {
			t.Errorf("%d looks in %s, want 3 in 2 s: the first at once", looks, took)
		}
	})
}

func TestErrorSaysWhatHowLongAndWhatWasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		poll := await.Poll{Limit: time.Minute, Every: 7 * time.Second}
		err := poll.Until(t.Context(), "two pods", func(context.Context) (bool, string) { return false, "one pod" })
		const want = "waiting for two pods: context deadline exceeded after 1m0s; last seen: one pod"
		if err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	})
}

func TestErrorWrapsTheLastAttemptAndTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, err := range map[string]error{
			"Success": await.Poll{Limit: time.Minute}.Success(t.Context(), "x", func(context.Context) error { return errRefused }),
			"Retry":   await.Poll{Limit: time.Minute}.Retry("x", func() error { return errRefused }),
		} {
			if !errors.Is(err, errRefused) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: error is %v, want both of the attempt and the deadline", name, err)
			}
		}
	})
}

func TestAnAttemptThatIsCutShortIsNotTheLastSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		err := await.Poll{Limit: time.Minute}.Success(t.Context(), "x", func(ctx context.Context) error {
			if attempts++; attempts == 1 {
				return errRefused
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if attempts != 2 || !errors.Is(err, errRefused) {
			t.Errorf("after %d attempts the error is %v, want that of the first of 2", attempts, err)
		}
	})
}

func TestEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stopped) })
		begun := time.Now()
		err := await.Poll{}.Success(ctx, "x", func(context.Context) error { return errRefused })
		if took := time.Since(begun); !errors.Is(err, stopped) || took != time.Second {
			t.Errorf("error is %v after %s, want the context's after 1 s", err, took)
		}
		attempts := 0
		err = await.Poll{}.Success(ctx, "x", func(context.Context) error { attempts++; return nil })
		if err != nil || attempts != 1 {
			t.Errorf("with a context that is over: %v after %d attempts, want one that counts", err, attempts)
		}
	})
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		err := await.Poll{Limit: time.Minute}.Retry("x", func() error {
			if attempts++; attempts < 3 {
				return errRefused
			}
			return nil
		})
		if err != nil || attempts != 3 {
			t.Errorf("%v after %d attempts, want none after 3", err, attempts)
		}
	})
}
