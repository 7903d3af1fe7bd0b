package refresh

import (
	"time"
)

// canaryBelow is the interval below which a class needs a canary, if nothing else finds its new
// versions: the kubelet asks every 60 to 90 s by itself.
const canaryBelow = 90 * time.Second

// tend gives a class its next canary, or none.
func (s *state) tend(c *class, now time.Time) {
	_, in := s.namespaces[c.key.Namespace]
	if !in || c.asked() == 0 || c.content == nil || !c.content.Azure || len(c.content.Objects) == 0 {
		s.canaries.remove(c)
		c.hint = nil
		return
	}
	at, wanted := s.nextCanary(c, now)
	switch {
	case !wanted:
		s.canaries.remove(c)
	case c.index == 0 || c.at.After(at):
		s.canaries.put(c, at)
	}
}

// nextCanary is when a class needs a canary: in time for what its pods ask for, if no vault's list
// finds its new versions, and as soon as it can help when an event has come.
func (s *state) nextCanary(c *class, now time.Time) (at time.Time, wanted bool) {
	if asked := c.asked(); asked < canaryBelow && !s.listed(c) {
		at, wanted = now.Add(soonEnough(asked)), true
	}
	if c.hint != nil && (!wanted || c.hint.due.Before(at)) {
		at, wanted = c.hint.due, true
	}
	return at, wanted
}

// canary takes the classes of which one pod is to be nudged, to find out whether there is
// anything new.
func (s *state) canary(w *Work, now time.Time) {
	for c, ok := s.canaries.due(now); ok; c, ok = s.canaries.due(now) {
		p, open := s.turn(c, now)
		var next time.Time
		switch {
		case p != nil && s.nudges.TokensAt(now) >= 1 && s.ofCanary.TokensAt(now) >= 1 && s.node(p.Node).AllowN(now, 1):
			// What is known to be stale goes first, and has been taken.
			s.nudges.AllowN(now, 1)
			s.ofCanary.AllowN(now, 1)
			s.take(w, p, now, true)
			c.tried(now)
		case p != nil:
			next = now.Add(time.Second) // no room yet
		case !open.IsZero() && open.After(now):
			next = open
		default:
			// All pods are known to be stale, or none has a record: there is nothing to find out.
			c.hint = nil
		}
		at, wanted := s.nextCanary(c, now)
		if !next.IsZero() {
			at, wanted = next, true
		}
		if wanted {
			s.canaries.put(c, at)
		}
	}
}

// turn is the pod of a class that was not nudged for longest, among those that ask for the
// shortest interval, or after an event among all, and whose gate is open. Without one it says when
// the first gate opens.
func (s *state) turn(c *class, now time.Time) (longest *pod, open time.Time) {
	asked := c.asked()
	for _, p := range c.pods {
		r := p.mounts[c.key.Name]
		if r == nil || c.hint == nil && p.Asked[c.key.Name] != asked || p.stale != "" {
			continue
		}
		if at := r.Changed.Add(s.driver.Gate + afterGate); at.After(now) {
			if open.IsZero() || at.Before(open) {
				open = at
			}
			continue
		}
		if longest == nil || p.last.Before(longest.last) || p.last.Equal(longest.last) && p.Key.Name < longest.Key.Name {
			longest = p
		}
	}
	return longest, open
}
