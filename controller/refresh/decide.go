package refresh

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// afterGate is added to the driver's gate: the API server's times are in whole seconds.
	afterGate = time.Second
	// firstPause is how long a nudge has until the record must show it, and lastPause the
	// longest pause between two.
	firstPause = 3 * time.Second
	lastPause  = 5 * time.Minute
	// maxTries are the nudges of a pod whose record does not change.
	maxTries = 6
)

// Nudge is one to be carried out.
type Nudge struct {
	Pod types.NamespacedName
	UID types.UID
	// Canary is set if it is not known that there is a newer version.
	Canary bool
}

// Work is what is to be done now.
type Work struct {
	Nudges []Nudge
	// Looks are objects that their vaults are to be asked about.
	Looks []Object
	// Reads are classes whose content is to be read.
	Reads []types.NamespacedName
	// GivenUp are pods that stay with an older version, whatever was tried.
	GivenUp []Pod
	// Wake is when there may be more to do, zero if only an event brings any.
	Wake time.Time
}

// Next takes what is to be done now.
func (s *state) Next(now time.Time) Work {
	var w Work
	if s.usable() {
		s.nudge(&w, now)
		s.canary(&w, now)
		w.wake(s.pending.next())
		w.wake(s.canaries.next())
	}
	s.look(&w, now)
	w.wake(s.looks.next())
	w.Reads = s.Unread()
	return w
}

func (w *Work) wake(at time.Time) {
	if !at.IsZero() && (w.Wake.IsZero() || at.Before(w.Wake)) {
		w.Wake = at
	}
}

// weigh finds out whether and when a pod is to be nudged.
func (s *state) weigh(p *pod, now time.Time) {
	s.ready.remove(p)
	target, open := s.target(p)
	p.stale = target
	if target == "" || p.gaveUp && target == p.target {
		s.pending.remove(p)
		return
	}
	if _, in := s.namespaces[p.Key.Namespace]; !in || !s.usable() {
		s.pending.remove(p)
		return
	}
	due := open
	if p.tries > 0 {
		if pause := p.last.Add(p.pause()); pause.After(due) {
			due = pause
		}
	}
	if due.Before(now) {
		due = now
	}
	s.pending.put(p, due)
}

// pause is how long to wait after the last nudge.
func (p *pod) pause() time.Duration {
	return min(lastPause, firstPause<<min(p.tries-1, 10))
}

// target says which newer versions a pod should have, empty if none is known, and when the
// driver will look again.
func (s *state) target(p *pod) (target string, open time.Time) {
	var wanted []string
	for name, r := range p.mounts {
		c := s.classes[types.NamespacedName{Namespace: p.Key.Namespace, Name: name}]
		if c.content != nil && !c.content.Azure {
			continue
		}
		stale := false
		for id, has := range r.Versions {
			if want := s.newer(c, id, has, r.Changed); want != "" {
				wanted = append(wanted, name+" "+id+"@"+want)
				stale = true
			}
		}
		if at := r.Changed.Add(s.driver.Gate + afterGate); stale && (open.IsZero() || at.Before(open)) {
			open = at
		}
	}
	slices.Sort(wanted)
	return strings.Join(wanted, " "), open
}

// newer is the version that a record should have instead, empty if no newer one is known.
func (s *state) newer(c *class, id, has string, recorded time.Time) string {
	if c.content != nil {
		if c.content.Pinned[id] {
			return ""
		}
		if o := s.objects[c.content.Objects[id]]; o != nil && o.answer != nil && o.answer.At.After(recorded) {
			if o.answer.Disabled || slices.Contains(o.answer.Newest, has) {
				return ""
			}
			if len(o.answer.Newest) > 0 {
				return o.answer.Newest[0]
			}
		}
	}
	if seen := c.seen[id]; seen.version != has && seen.at.After(recorded) {
		return seen.version
	}
	return ""
}

// nudge takes the pods that are due.
func (s *state) nudge(w *Work, now time.Time) {
	for p, ok := s.pending.due(now); ok; p, ok = s.pending.due(now) {
		if p.tries >= maxTries {
			if !p.gaveUp {
				p.gaveUp = true
				w.GivenUp = append(w.GivenUp, p.Pod)
			}
			if p.stale == p.target {
				continue
			}
		}
		s.ready.add(p)
	}
	for s.ready.size > 0 {
		if s.nudges.TokensAt(now) < 1 {
			w.wake(now.Add(time.Duration(float64(time.Second) / s.limits.Nudges)))
			return
		}
		p := s.ready.take()
		if !s.node(p.Node).AllowN(now, 1) {
			s.pending.put(p, now.Add(time.Duration(float64(time.Second)/s.limits.PerNode)))
			continue
		}
		s.nudges.AllowN(now, 1)
		s.take(w, p, now, false)
	}
}

// take is one nudge of a pod.
func (s *state) take(w *Work, p *pod, now time.Time, canary bool) {
	w.Nudges = append(w.Nudges, Nudge{Pod: p.Key, UID: p.UID, Canary: canary})
	p.last = now
	if canary {
		return
	}
	p.tries++
	p.target = p.stale
	s.pending.put(p, now.Add(p.pause()))
}

func (s *state) node(name string) *rate.Limiter {
	l := s.perNode[name]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(s.limits.PerNode), max(1, int(s.limits.PerNode)))
		s.perNode[name] = l
	}
	return l
}
