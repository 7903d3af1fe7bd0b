package keyvault

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
	"k8s.io/utils/lru"
)

const (
	// maxVaults is how many vaults are remembered: clients, breakers and limits.
	maxVaults = 256
	// allCallsAtOnce bounds the calls to all vaults that are under way together.
	allCallsAtOnce = 64
)

// Reader asks vaults. It is safe for concurrent use.
type Reader struct {
	o       Options
	answers answers
	flights singleflight.Group
	room    *semaphore.Weighted
	metrics *metrics

	mu     sync.Mutex // of making what is not there yet
	vaults *lru.Cache // by host
	// credentials by the suffix of the cloud's vaults.
	credentials credentials
}

// New returns a Reader. It makes no call yet.
func New(o Options) *Reader {
	o = o.complete()
	return &Reader{
		o: o, answers: newAnswers(o.MaxAnswers), room: semaphore.NewWeighted(allCallsAtOnce),
		metrics: newMetrics(o.Registerer), vaults: lru.NewWithEvictionFunc(maxVaults, forget),
		credentials: credentials{of: o.Credential, options: o.sdk},
	}
}

// Object says what the vault holds under a name: a cached answer, or a call. The error is
// an [*UnknownError], and concludes nothing about the object. The call goes on when ctx
// ends, so that who asks next finds its answer.
func (r *Reader) Object(ctx context.Context, ref Ref) (*State, error) {
	return r.objectSince(ctx, ref, time.Time{})
}

// Cached is Object for callers that cannot wait: it makes no call, and ok is
// false if the answer is not at hand.
func (r *Reader) Cached(ref Ref) (state *State, ok bool) {
	if ref.Check() != nil {
		return nil, false
	}
	q := newQuestion(ref.Cloud, ref.Vault, ref.Type, ref.Name)
	found := r.answers.get(q.key(), r.o.Now(), time.Time{})
	if found == nil || found.unknown != nil {
		return nil, false
	}
	found.hits().Inc()
	return found.state, true
}

// Fresh is Object for those whom a stale answer would harm: a cached one counts only if
// it is no older than maxAge.
func (r *Reader) Fresh(ctx context.Context, ref Ref, maxAge time.Duration) (*State, error) {
	return r.objectSince(ctx, ref, r.o.Now().Add(-maxAge))
}

// objectSince takes a cached answer only if it is no older than since.
func (r *Reader) objectSince(ctx context.Context, ref Ref, since time.Time) (*State, error) {
	if err := ref.Check(); err != nil {
		return nil, &UnknownError{Vault: ref.Vault, Reason: Invalid, detail: err.Error()}
	}
	found := r.ask(ctx, newQuestion(ref.Cloud, ref.Vault, ref.Type, ref.Name), since)
	if found.unknown != nil {
		return nil, found.unknown
	}
	return found.state, nil
}

// Names lists the objects of a type in a vault, sorted; of a vault with very many, a part.
// The list is the caller's to read, not to change.
func (r *Reader) Names(ctx context.Context, cloud, vault string, t Type) ([]string, error) {
	if err := checkPlace(cloud, vault, t); err != nil {
		return nil, &UnknownError{Vault: vault, Reason: Invalid, detail: err.Error()}
	}
	found := r.ask(ctx, newQuestion(cloud, vault, t, ""), time.Time{})
	if found.unknown != nil {
		return nil, found.unknown
	}
	return found.names, nil
}

// ask gives the answer that is cached, or waits for the one call that is made for all
// who ask the same.
func (r *Reader) ask(ctx context.Context, q question, since time.Time) *answer {
	key := q.key()
	if found := r.answers.get(key, r.o.Now(), since); found != nil {
		found.hits().Inc()
		return found
	}
	found := r.join(ctx, q, key, since)
	r.metrics.lookup(q, found, "miss").Inc()
	return found
}

// join waits for the flight of a question, which ends when it ends, whoever still waits.
func (r *Reader) join(ctx context.Context, q question, key string, since time.Time) *answer {
	// A flight that was under way may bring an answer that is older than is wanted: it
	// took it from the cache. One of our own is asked after since.
	for range 2 {
		flight := r.flights.DoChan(key, func() (any, error) {
			return r.fly(context.WithoutCancel(ctx), q, key, since), nil
		})
		select {
		case result := <-flight:
			if found := result.Val.(*answer); !found.asked.Before(since) {
				return found
			}
		case <-ctx.Done():
			return r.unknown(q, Slow, "")
		}
	}
	return r.unknown(q, Slow, "")
}

// fly makes the call of a flight, unless another has brought the answer meanwhile.
func (r *Reader) fly(ctx context.Context, q question, key string, since time.Time) (found *answer) {
	if kept := r.answers.get(key, r.o.Now(), since); kept != nil {
		return kept
	}
	defer func() {
		// An answer that the SDK cannot take must not end the program. What a panic says
		// may quote the answer; where it came from does not.
		if said := recover(); said != nil {
			r.o.Log.Error(nil, "panic in a call to a vault, whose object is not checked: please report it",
				"vault", q.vault, "type", q.t, "panic", fmt.Sprintf("%T", said), "stack", string(debug.Stack()))
			found = r.unknown(q, Unexpected, "")
		}
	}()
	found = r.call(ctx, q)
	if found.until.After(found.asked) {
		found.hits = sync.OnceValue(func() prometheus.Counter { return r.metrics.lookup(q, found, "hit") })
		r.answers.put(key, found)
	}
	return found
}

// unknown is an answer that is not cached.
func (r *Reader) unknown(q question, reason, because Reason) *answer {
	now := r.o.Now()
	return &answer{unknown: &UnknownError{Vault: q.vault, Reason: reason, Because: because}, asked: now, until: now}
}

func (a *answer) word() string {
	switch {
	case a.unknown != nil:
		return string(a.unknown.Reason)
	case a.state != nil && !a.state.Exists():
		return outcomeAbsent
	default:
		return outcomeFound
	}
}

// vault finds or makes what is remembered of a vault.
func (r *Reader) vault(q question) *vault {
	host := q.host()
	r.mu.Lock()
	defer r.mu.Unlock()
	if kept, ok := r.vaults.Get(host); ok {
		return kept.(*vault)
	}
	label := r.metrics.label(q.vault)
	open := r.metrics.open.WithLabelValues(label)
	v := &vault{
		label:   label,
		breaker: &breaker{jitter: spread, changed: open.Add},
		limiter: rate.NewLimiter(rate.Limit(r.o.CallsPerSecond), r.o.Burst),
		room:    semaphore.NewWeighted(callsAtOnce),
	}
	r.vaults.Add(host, v)
	return v
}

// forget keeps a vault that is no longer remembered from being counted as left alone.
func forget(_ lru.Key, kept any) { kept.(*vault).breaker.retire() }

// spread makes a duration up to a fifth longer or shorter.
func spread(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64())) //nolint:gosec // it spreads load and keeps no secret
}

func (o Options) complete() Options {
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	o.Transport = bounded{o.Transport}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.CallTimeout = cmp.Or(o.CallTimeout, DefaultCallTimeout)
	o.CacheTime = cmp.Or(o.CacheTime, DefaultCacheTime)
	o.AbsentTime = cmp.Or(o.AbsentTime, DefaultAbsentTime)
	o.MaxAnswers = cmp.Or(o.MaxAnswers, DefaultMaxAnswers)
	o.CallsPerSecond = cmp.Or(o.CallsPerSecond, DefaultCallsPerSecond)
	o.Burst = cmp.Or(o.Burst, DefaultBurst)
	o.MaxPages = cmp.Or(o.MaxPages, DefaultMaxPages)
	return o
}
