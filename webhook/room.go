package webhook

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
)

// A request passes two queues. The first is for memory: a body is read when there is room for
// it, and the room is taken until the answer is written. Its shares are of senders: whoever
// reaches the port can send bodies slowly. The second is for work: what is decoded and decided
// on takes some ten times the memory of its JSON, and a core. Its shares are of namespaces, so
// that a namespace that sends thousands of large objects delays its own.
const (
	// largeBytes of large bodies are in memory at a time. The objects in them are copied once.
	largeBytes = 48 << 20
	largeSlots = 64
	// smallBytes of others are. They have a room of their own: almost all requests are small,
	// and come from one sender, the API server.
	smallBytes = 16 << 20
	smallSlots = 2048
	// largeBody is the least size of a large body.
	largeBody = 256 << 10
	// workBytes of bodies are worked on at a time.
	workBytes = 16 << 20
	// workSlots of them for each core. Most of the time of a request is waiting for lookups.
	workSlots = 16
	// leastBytes is what a body counts for at least: what is needed for any.
	leastBytes = 32 << 10
)

// bodyQueues are the queues for memory.
type bodyQueues struct{ small, large *queue }

func newBodyQueues() bodyQueues {
	return bodyQueues{small: newQueue(smallBytes, smallSlots), large: newQueue(largeBytes, largeSlots)}
}

func (q bodyQueues) enter(ctx context.Context, from string, size int) (leave func(), failure *httpError) {
	if size >= largeBody {
		return q.large.enter(ctx, from, size)
	}
	return q.small.enter(ctx, from, size)
}

func newWorkQueue() *queue { return newQueue(workBytes, workSlots*runtime.GOMAXPROCS(0)) }

// queue admits requests as long as there is room, in turns among those who send them. No
// sender has more than half of the room, so there is always some for others.
type queue struct {
	maxBytes, maxSlots int

	mu           sync.Mutex
	bytes, slots int // taken
	senders      map[string]*sender
	// turns are the senders with requests that wait, the next one first.
	turns []string
}

// sender is somebody with requests, until none is left.
type sender struct {
	bytes, slots int // taken
	waiting      []*waiter
}

type waiter struct {
	bytes int
	// admitted is closed when there is room.
	admitted chan struct{}
}

func newQueue(maxBytes, maxSlots int) *queue {
	return &queue{maxBytes: maxBytes, maxSlots: max(maxSlots, 2), senders: map[string]*sender{}}
}

// enter waits for room for a body. The context's end is a failure.
func (q *queue) enter(ctx context.Context, from string, size int) (leave func(), failure *httpError) {
	size = min(max(size, leastBytes), q.maxBytes/2)
	q.mu.Lock()
	s := q.senders[from]
	if s == nil {
		s = &sender{}
		q.senders[from] = s
	}
	if len(q.turns) == 0 && q.room(s, size) == roomNow {
		q.take(s, size)
		q.mu.Unlock()
		return func() { q.leave(from, size) }, nil
	}
	w := &waiter{bytes: size, admitted: make(chan struct{})}
	s.waiting = append(s.waiting, w)
	if len(s.waiting) == 1 {
		q.turns = append(q.turns, from)
	}
	q.admit()
	q.mu.Unlock()

	select {
	case <-w.admitted:
		return func() { q.leave(from, size) }, nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-w.admitted: // at the same moment
		q.release(from, size)
	default:
		s.waiting = slices.DeleteFunc(s.waiting, func(other *waiter) bool { return other == w })
		q.forget(from)
	}
	q.admit()
	return nil, &httpError{http.StatusServiceUnavailable, fmt.Sprintf("busy with other requests: %v", ctx.Err())}
}

func (q *queue) leave(from string, size int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.release(from, size)
	q.admit()
}

// room says whether there is some for a request.
type room int

const (
	roomNow room = iota
	// What is missing is taken by others, or by the sender itself.
	roomOfOthers
	roomOfItsOwn
)

func (q *queue) room(s *sender, size int) room {
	switch {
	case s.bytes+size > q.maxBytes/2 || s.slots+1 > q.maxSlots/2:
		return roomOfItsOwn
	case q.bytes+size > q.maxBytes || q.slots+1 > q.maxSlots:
		return roomOfOthers
	}
	return roomNow
}

func (q *queue) take(s *sender, size int) {
	q.bytes, q.slots = q.bytes+size, q.slots+1
	s.bytes, s.slots = s.bytes+size, s.slots+1
}

// release gives the room of a request back.
func (q *queue) release(from string, size int) {
	s := q.senders[from]
	q.bytes, q.slots = q.bytes-size, q.slots-1
	s.bytes, s.slots = s.bytes-size, s.slots-1
	q.forget(from)
}

// forget removes a sender that has no more requests, and its turn if none of them waits.
func (q *queue) forget(from string) {
	s := q.senders[from]
	if len(s.waiting) == 0 {
		q.turns = slices.DeleteFunc(q.turns, func(other string) bool { return other == from })
	}
	if len(s.waiting) == 0 && s.slots == 0 {
		delete(q.senders, from)
	}
}

// admit admits what has room. A request that waits for others' room stops those behind it, so
// that a large one gets its turn; one that waits for its own sender's does not.
func (q *queue) admit() {
	for i := 0; i < len(q.turns); {
		from := q.turns[i]
		s := q.senders[from]
		w := s.waiting[0]
		switch q.room(s, w.bytes) {
		case roomOfItsOwn:
			i++
			continue
		case roomOfOthers:
			return
		case roomNow:
		}
		q.take(s, w.bytes)
		s.waiting = s.waiting[1:]
		q.turns = slices.Delete(q.turns, i, i+1)
		if len(s.waiting) > 0 {
			q.turns = append(q.turns, from)
		}
		close(w.admitted)
	}
}

// turn is that of a request in a queue. It begins once: where a pod is read with its review before that, otherwise after it.
type turn struct {
	queue   *queue
	size    int
	leave   func()
	failure *httpError
}

// begin waits for the turn, unless it has begun, and reports whether it has.
func (t *turn) begin(ctx context.Context, from string) bool {
	if t.leave == nil && t.failure == nil {
		t.leave, t.failure = t.queue.enter(ctx, from, t.size)
	}
	return t.failure == nil
}

func (t *turn) end() {
	if t.leave != nil {
		t.leave()
	}
}
