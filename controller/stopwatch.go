package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// stopwatch knows since when each class has been broken: from the moment that we
// heard of it, so that the wait in the queue counts.
type stopwatch struct {
	mu    sync.Mutex
	since map[types.NamespacedName]time.Time
}

// start does nothing where the watch runs already.
func (s *stopwatch) start(key types.NamespacedName, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since == nil {
		s.since = map[types.NamespacedName]time.Time{}
	}
	if _, running := s.since[key]; !running {
		s.since[key] = now
	}
}

// stop returns how long the watch ran, and false if it did not.
func (s *stopwatch) stop(key types.NamespacedName, now time.Time) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, running := s.since[key]
	delete(s.since, key)
	return now.Sub(since), running
}
