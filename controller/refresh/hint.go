package refresh

import (
	"slices"
	"strings"
	"time"

	"akv-injector/inject/facts"
)

const (
	// maxHintTries are the canaries, and maxMisses the looks into a vault, that one event can
	// cause: it may be late, or made up.
	maxHintTries = 3
	maxMisses    = 4
	// hurryEvery is the shortest pause between two looks at an object for which events come.
	hurryEvery = time.Second
)

// Hint says that an object may have a new version: an event did.
type Hint struct {
	// Vault, Type and Name are compared without case. The cloud is not: an event names no cloud,
	// and a look too many does no harm.
	Vault, Type, Name string
	// Version is the new one's id, empty if it is not known.
	Version string
}

// hint is what events have said of the objects of a class that no vault is asked about.
type hint struct {
	// wanted are the ids of the objects, with the version that a record has to have.
	wanted map[string]string
	since  time.Time
	tries  int
	// due is when the next canary helps.
	due time.Time
}

// Hint takes what an event says, and reports whether any pod has the object.
func (s *state) Hint(h Hint, now time.Time) bool {
	vault, name := strings.ToLower(h.Vault), strings.ToLower(h.Name)
	version := strings.ToLower(h.Version)
	known := false
	for _, c := range s.classes {
		if _, in := s.namespaces[c.key.Namespace]; !in || c.content == nil || !strings.EqualFold(c.content.Vault, vault) {
			continue
		}
		for id, o := range c.content.Objects {
			if o.Vault != vault || o.Type != h.Type || o.Name != name {
				continue
			}
			known = true
			s.expect(o, version, now)
			if !s.listed(c) {
				c.wants(id, version, now)
				s.tend(c, now)
			}
		}
	}
	return known
}

// expect has the vault asked about an object now, if it is asked at all.
func (s *state) expect(key facts.VaultObject, version string, now time.Time) {
	o := s.objects[key]
	if o == nil {
		return
	}
	o.expected, o.misses = version, 0
	at := now
	if earliest := o.hurried.Add(hurryEvery); earliest.After(at) {
		at = earliest
	}
	o.hurried = at
	if o.index == 0 || o.at.After(at) {
		s.looks.put(o, at)
	}
}

// pause is how long to wait after an answer until the vault is asked again: shortly, if it does not
// have the version yet that an event has named.
func (o *object) pause() time.Duration {
	usual := soonEnough(o.asked)
	if o.expected == "" {
		return usual
	}
	if o.answer != nil && slices.Contains(o.answer.Newest, o.expected) {
		o.expected = ""
		return usual
	}
	if o.misses++; o.misses > maxMisses {
		o.expected = "" // there is a newer one, or there never was such a version
		return usual
	}
	return min(usual, time.Second<<(o.misses-1))
}

// wants notes that a record of a class should soon show a version.
func (c *class) wants(id, version string, now time.Time) {
	if version != "" && strings.EqualFold(c.seen[id].version, version) {
		return // a record has it: the event is late
	}
	if c.hint == nil {
		c.hint = &hint{wanted: map[string]string{}, since: now, due: now}
	}
	if old, known := c.hint.wanted[id]; known && old == version {
		return // events come more than once
	}
	c.hint.wanted[id] = version
	c.hint.since, c.hint.tries = now, 0
	if pause := now.Add(hurryEvery); c.hint.due.After(pause) {
		c.hint.due = pause
	}
}

// tried notes a canary.
func (c *class) tried(now time.Time) {
	if c.hint == nil {
		return
	}
	if c.hint.tries++; c.hint.tries >= maxHintTries {
		c.hint = nil // what there is has been read three times
		return
	}
	c.hint.due = now.Add(firstPause << (c.hint.tries - 1))
}

// shown notes what a record has.
func (c *class) shown(r *Record) {
	if c.hint == nil {
		return
	}
	for id, want := range c.hint.wanted {
		has, recorded := r.Versions[id]
		if recorded && (strings.EqualFold(has, want) || want == "" && r.Changed.After(c.hint.since)) {
			delete(c.hint.wanted, id)
		}
	}
	if len(c.hint.wanted) == 0 {
		c.hint = nil
	}
}
