package webhook

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"akv-injector/internal/testing/await"
)

// enterAtOnce enters if there is room now.
func enterAtOnce(t *testing.T, q *queue, from string, size int) (leave func(), failure *httpError) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	return q.enter(ctx, from, size)
}

func fill(t *testing.T, q *queue, from string, size int) (leaves []func()) {
	t.Helper()
	for {
		leave, failure := enterAtOnce(t, q, from, size)
		if failure != nil {
			if failure.code != http.StatusServiceUnavailable {
				t.Fatalf("%v, want HTTP 503", failure)
			}
			return leaves
		}
		leaves = append(leaves, leave)
	}
}

// One sender has half of the room, and cannot keep others out.
func TestOneSenderHasHalfOfTheRoom(t *testing.T) {
	for name, tc := range map[string]struct{ size, want int }{
		"by bytes":        {1 << 20, 8},
		"by number":       {1, 32},
		"the largest":     {16 << 20, 1},
		"more than there": {1 << 30, 1},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(16<<20, 64)
			if got := len(fill(t, q, "a", tc.size)); got != tc.want {
				t.Errorf("%d requests of one sender, want %d", got, tc.want)
			}
			if got := len(fill(t, q, "b", tc.size)); got != tc.want {
				t.Errorf("%d requests of another, want %d", got, tc.want)
			}
			if leaves := fill(t, q, "c", 1); len(leaves) != 0 {
				t.Errorf("%d requests where there is no room", len(leaves))
			}
		})
	}
}

// A sender with many requests that wait does not delay another's one.
func TestSendersTakeTurns(t *testing.T) {
	q := newQueue(1<<20, 4)
	leaves := append(fill(t, q, "flood", 1), fill(t, q, "other", 1)...)
	if len(leaves) != 4 {
		t.Fatalf("%d requests, want 4", len(leaves))
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	served := make(chan struct{})
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() { _, _ = q.enter(ctx, "flood", 1) })
		awaitWaiting(t, q, "flood")
	}
	group.Go(func() {
		if _, failure := q.enter(t.Context(), "late", 1); failure != nil {
			t.Error(failure)
		}
		close(served)
	})
	awaitWaiting(t, q, "late")
	// The flood is first in turn, and the late one second.
	leaves[2]()
	leaves[3]()
	<-served
	end()
	group.Wait()
}

func awaitWaiting(t *testing.T, q *queue, from string) {
	t.Helper()
	soon := await.Poll{Limit: 10 * time.Second, Every: time.Millisecond}
	soon.Require(t, from+" waits", func(context.Context) (bool, string) {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.senders[from] != nil && len(q.senders[from].waiting) > 0, "it does not"
	})
}

// Whatever comes, goes, and gives up: there is never more inside than has room, and in the end
// nothing is left.
func TestQueueHoldsItsBounds(t *testing.T) {
	q := newQueue(4<<20, 16)
	var inside, bytes atomic.Int64
	var group sync.WaitGroup
	for i := range 400 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(20))*time.Millisecond)
			defer cancel()
			size := leastBytes + random.IntN(1<<20)
			leave, failure := q.enter(ctx, fmt.Sprint(random.IntN(5)), size)
			if failure != nil {
				return
			}
			if n, b := inside.Add(1), bytes.Add(int64(size)); n > 16 || b > 4<<20 {
				t.Errorf("%d requests of %d bytes are inside", n, b)
			}
			inside.Add(-1)
			bytes.Add(int64(-size))
			leave()
		})
	}
	group.Wait()
	if q.bytes != 0 || q.slots != 0 || len(q.senders) != 0 || len(q.turns) != 0 {
		t.Errorf("left: %d bytes, %d slots, %d senders, %d turns", q.bytes, q.slots, len(q.senders), len(q.turns))
	}
}

// A pod is read and decided on in one turn of its namespace, which ends with the answer.
func TestAPodWaitsForItsTurn(t *testing.T) {
	a := newCluster(inPlace()...).admission()
	a.work = newQueue(2*leastBytes, 2)
	body := marshal(t, reviewOf(raw(t, asking())))
	leave, failure := a.work.enter(t.Context(), reviewOf(nil).Request.Namespace, 1)
	if failure != nil {
		t.Fatal(failure)
	}
	r := httptest.NewRequest(http.MethodPost, MutatePath+"?timeout=20ms", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if a.Mutate().ServeHTTP(w, r); w.Code != http.StatusServiceUnavailable {
		t.Errorf("beside another of its namespace: HTTP %d, want 503: %s", w.Code, w.Body)
	}
	leave()
	for range 3 {
		if w := post(a.Mutate(), MutatePath, body); w.Code != http.StatusOK {
			t.Errorf("alone: HTTP %d: %s", w.Code, w.Body)
		}
	}
	if a.work.slots != 0 || len(a.work.senders) != 0 {
		t.Errorf("%d turns have not ended", a.work.slots)
	}
}
