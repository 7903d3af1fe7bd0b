package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// maxRecent classes are remembered. What has no room is forgotten, which costs a write more.
const maxRecent = 4096

// recent remembers for some time when something happened to a class. The nil recent remembers nothing.
type recent struct {
	keep time.Duration
	now  func() time.Time

	mu sync.Mutex
	at map[types.NamespacedName]moment
	// swept is when what is no longer remembered was last thrown away.
	swept time.Time
}

type moment struct {
	time time.Time
	// version of the class at that time.
	version string
}

func newRecent(keep time.Duration, now func() time.Time) *recent {
	return &recent{keep: keep, now: now, at: map[types.NamespacedName]moment{}}
}

// note remembers that it happened now.
func (r *recent) note(key types.NamespacedName, version string) {
	if r == nil {
		return
	}
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.at[key]; !known && len(r.at) >= maxRecent {
		if r.sweep(now); len(r.at) >= maxRecent {
			return
		}
	}
	r.at[key] = moment{now, version}
}

// sweep is called for each admission where there are many classes, and so looks once a second at most.
func (r *recent) sweep(now time.Time) {
	if now.Sub(r.swept) < time.Second {
		return
	}
	r.swept = now
	for other, m := range r.at {
		if now.Sub(m.time) >= r.keep {
			delete(r.at, other)
		}
	}
}

// left is how much longer it is remembered, and of which version; 0 if it is not.
func (r *recent) left(key types.NamespacedName) (left time.Duration, version string) {
	if r == nil {
		return 0, ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.at[key]
	if !ok {
		return 0, ""
	}
	if left = r.keep - r.now().Sub(m.time); left <= 0 {
		delete(r.at, key)
		return 0, ""
	}
	return left, m.version
}
