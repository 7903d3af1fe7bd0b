package controller

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// cacheLag is longer than a cache takes to hear of a write.
const cacheLag = 5 * time.Second

// unmarks takes marks off for many admissions at once: the first one writes, and the others wait for it. Those that still
// see the mark in the cache afterwards know that it is gone.
type unmarks struct {
	gone *recent

	mu    sync.Mutex
	going map[types.NamespacedName]chan struct{}
}

func newUnmarks(now func() time.Time) *unmarks {
	return &unmarks{gone: newRecent(cacheLag, now), going: map[types.NamespacedName]chan struct{}{}}
}

// do calls write for a class that the cache has marked in a version, unless another call has succeeded for that version.
func (u *unmarks) do(ctx context.Context, key types.NamespacedName, version string, write func() (string, error)) (change string, err error) {
	if u == nil {
		return write()
	}
	for {
		if left, gone := u.gone.left(key); left > 0 && gone == version {
			return Unchanged, nil
		}
		u.mu.Lock()
		others := u.going[key]
		if others == nil {
			mine := make(chan struct{})
			u.going[key] = mine
			u.mu.Unlock()
			defer func() {
				u.mu.Lock()
				delete(u.going, key)
				u.mu.Unlock()
				close(mine)
			}()
			if change, err = write(); err == nil {
				u.gone.note(key, version)
			}
			return change, err
		}
		u.mu.Unlock()
		select {
		case <-others:
		case <-ctx.Done():
			return Unchanged, ctx.Err()
		}
	}
}
