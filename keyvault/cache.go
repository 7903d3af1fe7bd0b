package keyvault

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/lru"
)

// answer is what came of a question. It is never changed.
type answer struct {
	state *State
	names []string
	// unknown says why there is neither.
	unknown *UnknownError
	// asked is when the question was, and until is how long the answer is believed.
	asked, until time.Time
	// hits gives the counter of how often the cache gave it: to find that by its labels each
	// time would take longer than to find the answer.
	hits func() prometheus.Counter
}

// answers is a bounded cache, by question.
type answers struct{ lru *lru.Cache }

func newAnswers(size int) answers { return answers{lru.New(size)} }

// get gives an answer that is believed still and was asked for after since.
func (a answers) get(key string, now, since time.Time) *answer {
	kept, ok := a.lru.Get(key)
	if !ok {
		return nil
	}
	found := kept.(*answer)
	if !now.Before(found.until) || found.asked.Before(since) {
		return nil
	}
	return found
}

func (a answers) put(key string, found *answer) { a.lru.Add(key, found) }
