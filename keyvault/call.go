package keyvault

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/semaphore"
)

// call asks a vault, with as many calls as there are pages.
func (r *Reader) call(ctx context.Context, q question) *answer {
	v := r.vault(q)
	if because, ok := v.breaker.enter(r.o.Now()); !ok {
		return r.unknown(q, Open, because)
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.CallTimeout)
	defer cancel()

	asked := r.o.Now()
	result := outcome{reason: Unexpected} // what a panic leaves
	defer func() { v.breaker.leave(r.o.Now(), result) }()
	var items []item
	var more bool
	items, more, result = r.pages(ctx, v, q)
	return r.answer(q, items, more, result, asked)
}

// pages gathers a list until it ends or the bound is reached; more reports the latter.
func (r *Reader) pages(ctx context.Context, v *vault, q question) (items []item, more bool, result outcome) {
	clients, err := r.clients(v, q)
	if err != nil {
		return nil, false, outcome{reason: NoIdentity}
	}
	var next pages
	if q.name == "" {
		next = clients.objects(q.t)
	} else {
		next = clients.versions(q.t, q.name)
	}
	for range r.o.MaxPages {
		page, following, result := r.page(ctx, v, q, next)
		if result != (outcome{}) {
			return nil, false, result
		}
		items = append(items, page...)
		if more = following; !more {
			break
		}
	}
	return items, more, outcome{}
}

// page makes one call, within all limits. Waiting for a limit is bounded by the deadline.
func (r *Reader) page(ctx context.Context, v *vault, q question, next pages) (items []item, more bool, result outcome) {
	for _, room := range []*semaphore.Weighted{v.room, r.room} {
		if room.Acquire(ctx, 1) != nil {
			return nil, false, outcome{reason: Limited}
		}
		defer room.Release(1)
	}
	if v.limiter.Wait(ctx) != nil {
		return nil, false, outcome{reason: Limited}
	}
	began := time.Now()
	items, more, err := next(ctx)
	result = classify(ctx, err, r.o.Now())
	r.metrics.call(v, q.t, result, time.Since(began))
	return items, more, result
}

// clients are the vault's, made when there is an identity to make them with.
func (r *Reader) clients(v *vault, q question) (*clients, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.clients != nil {
		return v.clients, nil
	}
	credential, err := r.credentials.get(q.suffix)
	if err != nil {
		return nil, err
	}
	made, err := dial(q.url(), credential, r.o.sdk(q.suffix))
	if err != nil {
		return nil, err
	}
	v.clients = made
	return made, nil
}

// answer makes one of what came of a question, and says how long it is believed.
func (r *Reader) answer(q question, items []item, more bool, result outcome, asked time.Time) *answer {
	switch {
	case result.reason == Forbidden:
		// Only this object may be closed to us, so the breaker does not keep others off.
		a := r.unknown(q, Forbidden, "")
		a.unknown.Firewall = result.firewall
		a.asked, a.until = asked, asked.Add(spread(r.o.AbsentTime))
		return a
	case result.reason != "":
		return r.unknown(q, result.reason, "")
	case q.name == "" && result.absent:
		return r.unknown(q, Unexpected, "")
	case q.name == "":
		names := make([]string, 0, len(items))
		for _, i := range items {
			names = append(names, i.name)
		}
		slices.Sort(names)
		return &answer{names: slices.Compact(names), asked: asked, until: asked.Add(spread(r.o.CacheTime))}
	}
	state := &State{At: asked, Truncated: more}
	for _, i := range items {
		state.Versions = append(state.Versions, i.Version)
	}
	slices.SortStableFunc(state.Versions, func(a, b Version) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	keep := r.o.AbsentTime
	if state.wellAt(asked) {
		keep = r.o.CacheTime
	}
	return &answer{state: state, asked: asked, until: asked.Add(spread(keep))}
}

// wellAt reports whether the newest version can be used, or is not known. Anything else is
// what people fix and then try again.
func (s *State) wellAt(now time.Time) bool {
	if s.Truncated {
		return true
	}
	newest := s.Newest()
	return newest != nil && newest.Enabled && !now.Before(newest.NotBefore) && (newest.Expires.IsZero() || now.Before(newest.Expires))
}
