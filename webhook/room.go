package webhook

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/sync/semaphore"
)

// What is decoded and decided on takes some ten times the memory of its JSON. A pod
// has up to 3 MiB, and whoever may create pods may send many at once: without a bound
// a few dozen take more memory than the Deployment gives us, and all pods that ask
// have to wait for us to come back.
const (
	// roomBytes of bodies are worked on at a time; it is no less than maxBody.
	roomBytes = 8 << 20
	// leastBytes is what a body counts for at least: what is needed for any.
	leastBytes = 32 << 10
)

// room lets requests in as long as there is memory for them. Those that have to wait
// keep their order, so that large ones get their turn too.
type room struct{ bytes *semaphore.Weighted }

func newRoom() room { return room{semaphore.NewWeighted(roomBytes)} }

// enter waits for room for a body. The context's end is a failure.
func (r room) enter(ctx context.Context, size int) (leave func(), failure *httpError) {
	n := int64(min(max(size, leastBytes), roomBytes))
	if err := r.bytes.Acquire(ctx, n); err != nil {
		return nil, &httpError{http.StatusServiceUnavailable, fmt.Sprintf("busy with other requests: %v", err)}
	}
	return func() { r.bytes.Release(n) }, nil
}
