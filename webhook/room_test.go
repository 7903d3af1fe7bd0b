package webhook

import (
	"context"
	"net/http"
	"testing"
	"time"
)

func TestRoom(t *testing.T) {
	r := newRoom()
	full := func() *httpError {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		leave, failure := r.enter(ctx, 1)
		if failure == nil {
			leave()
		}
		return failure
	}
	// The largest body that is read has room, if alone.
	leave, failure := r.enter(t.Context(), maxBody)
	if failure != nil {
		t.Fatal(failure)
	}
	if failure := full(); failure != nil {
		t.Errorf("beside it there is no room for a small one: %v", failure)
	}
	leave()

	var leaves []func()
	for range roomBytes / leastBytes {
		leave, failure := r.enter(t.Context(), 1)
		if failure != nil {
			t.Fatal(failure)
		}
		leaves = append(leaves, leave)
	}
	if failure := full(); failure == nil || failure.code != http.StatusServiceUnavailable {
		t.Errorf("with no room left: %v, want HTTP 503", failure)
	}
	leaves[0]()
	if failure := full(); failure != nil {
		t.Errorf("when one has left: %v", failure)
	}
}
