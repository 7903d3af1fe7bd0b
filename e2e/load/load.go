// Package load asks an API server for what users ask: pods that want secrets, right and wrong, workloads and classes, at a steady rate, and
// counts what comes of each. It tells what akv-injector owes from what the API server itself could not do.
package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"akv-injector/e2e/cluster"
	"akv-injector/internal/testing/await"
)

// Load is running load.
type Load struct {
	namespace string
	api       client.WithWatch
	end       func()

	mu       sync.Mutex
	asked    map[int]time.Time // without an answer yet
	total    Counts
	latency  []time.Duration
	begun    time.Time
	answered time.Time // last, as wanted
	gap      time.Duration
}

// Counts are what came of what was sent.
type Counts struct {
	Sent     int
	Admitted int // with all that they asked for
	Refused  int // for cause
	// Failed are those that were refused because akv-injector could not be asked.
	Failed int
	// Uninjected are asking pods that were stored as they were.
	Uninjected int
	// Unchecked are wrong objects that name a class by hand, or are one: they are let through while no replica answers.
	Unchecked int
	// Unanswered are those that the API server or etcd did not do, with no word of a webhook.
	Unanswered int
	// First of those that are not as wanted for our sake, and of the API server's own, with their times.
	First, Others []string
	// Gap is the longest time without an answer as wanted; P50, P99 and Longest are how long answers took.
	Gap, P50, P99, Longest time.Duration
}

// firsts is how many of ours are told in words, and others of the API server's own.
const firsts, others = 20, 2

// Start sends so many objects a second until Stop. The namespace has opted in, and has the account cluster.Account.
func Start(ctx context.Context, config *rest.Config, namespace string, perSecond int) (*Load, error) {
	own := rest.CopyConfig(config)
	own.QPS = -1
	api, err := client.NewWithWatch(own, client.Options{Scheme: cluster.Scheme()})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &Load{namespace: namespace, api: api, asked: map[int]time.Time{}, begun: time.Now(), answered: time.Now()}
	var senders sync.WaitGroup
	senders.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				// One that hangs delays no other.
				senders.Go(func() { l.send(ctx, kinds[i%len(kinds)], i) })
			}
		}
	})
	l.end = func() { cancel(); senders.Wait() }
	return l, nil
}

// send sends one object and counts what comes of it.
func (l *Load) send(ctx context.Context, k kind, number int) {
	// As kubectl has it, without end; here until nobody would wait any more.
	ask, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	object := k.object(l.namespace, number)
	begun := time.Now()
	l.mu.Lock()
	l.asked[number] = begun
	l.mu.Unlock()
	err := l.api.Create(ask, object, k.options...)
	took := time.Since(begun)
	if ctx.Err() != nil {
		return // it was ended, and nobody knows how
	}
	l.count(k, object, err, took)
	l.mu.Lock()
	delete(l.asked, number)
	l.mu.Unlock()
	if err == nil && k.stored {
		// What is left behind is found at the end.
		_ = client.IgnoreNotFound(l.api.Delete(ask, object, client.GracePeriodSeconds(0)))
	}
}

func (l *Load) count(k kind, object client.Object, err error, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	wanted, told, most := false, &l.total.First, firsts
	l.total.Sent++
	switch {
	case err == nil && k.wrong != "":
		l.total.Unchecked++
	case err == nil && k.check != nil && k.check(object) != nil:
		l.total.Uninjected++
		err = k.check(object)
	case err == nil:
		l.total.Admitted++
		wanted = true
	case k.wrong != "" && strings.Contains(err.Error(), k.wrong):
		l.total.Refused++
		wanted = true
	case ours(err):
		l.total.Failed++
	default:
		l.total.Unanswered++
		told, most = &l.total.Others, others
	}
	l.latency = append(l.latency, took)
	if wanted {
		l.gap = max(l.gap, now.Sub(l.answered))
		l.answered = now
		return
	}
	if len(*told) < most {
		*told = append(*told, fmt.Sprintf("%.1f s: %s: %v (after %s)", now.Sub(l.begun).Seconds(), k.name, shortened(err), took.Round(time.Millisecond)))
	}
}

// ours reports whether an error is of a webhook, or of one of our policies: what has an answer of ours that is not the one wanted is ours too.
func ours(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && (strings.Contains(err.Error(), "webhook") || strings.Contains(err.Error(), "denied the request"))
}

func shortened(err error) string {
	if err == nil {
		return "let through"
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	const most = 300
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}

// Take gives what was counted since it was last taken.
func (l *Load) Take() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := l.total
	counts.Gap = max(l.gap, time.Since(l.answered))
	slices.Sort(l.latency)
	if n := len(l.latency); n > 0 {
		counts.P50, counts.P99, counts.Longest = l.latency[n/2], l.latency[n*99/100], l.latency[n-1]
	}
	l.total, l.gap, l.latency, l.begun, l.answered = Counts{}, 0, nil, time.Now(), time.Now()
	return counts
}

// Pause lets load go on for a while.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Answered waits until all that was asked until now has its answer, or nobody would wait for it any more.
func (l *Load) Answered(ctx context.Context) error {
	now := time.Now()
	poll := await.Poll{Limit: 2 * time.Minute, Every: 50 * time.Millisecond}
	return poll.Until(ctx, "what was asked to be answered", func(context.Context) (bool, string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		old := 0
		for _, begun := range l.asked {
			if begun.Before(now) {
				old++
			}
		}
		return old == 0, fmt.Sprint(old, " are not")
	})
}

// Stop ends the load. What it has counted can still be taken.
func (l *Load) Stop() { l.end() }

func (c Counts) String() string {
	return fmt.Sprintf("%d sent, %d admitted, %d refused for cause, %d failed, %d stored without, %d unchecked, %d unanswered; gap %s, p50 %s, p99 %s, longest %s",
		c.Sent, c.Admitted, c.Refused, c.Failed, c.Uninjected, c.Unchecked, c.Unanswered,
		c.Gap.Round(time.Millisecond), c.P50.Round(time.Millisecond), c.P99.Round(time.Millisecond), c.Longest.Round(time.Millisecond))
}

// Plus adds what came of more. Medians and percentiles are the worse of the two.
func (c Counts) Plus(more Counts) Counts {
	c.Sent += more.Sent
	c.Admitted += more.Admitted
	c.Refused += more.Refused
	c.Failed += more.Failed
	c.Uninjected += more.Uninjected
	c.Unchecked += more.Unchecked
	c.Unanswered += more.Unanswered
	c.First = append(c.First, more.First...)
	c.Gap, c.P50, c.P99, c.Longest = max(c.Gap, more.Gap), max(c.P50, more.P50), max(c.P99, more.P99), max(c.Longest, more.Longest)
	return c
}
