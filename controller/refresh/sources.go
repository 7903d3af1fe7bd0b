package refresh

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// early is the part of an asked interval after which it is looked again. The rest is for the
// nudges, the driver and the vault.
const early = 0.85

func soonEnough(asked time.Duration) time.Duration { return time.Duration(float64(asked) * early) }

// asked is the shortest interval that the pods of a class ask for.
func (c *class) asked() time.Duration {
	var least time.Duration
	for asked := range c.intervals {
		if least == 0 || asked < least {
			least = asked
		}
	}
	return least
}

// listed reports whether a vault's list finds all new versions of a class.
func (s *state) listed(c *class) bool {
	if c.content == nil {
		return false
	}
	for _, key := range c.content.Objects {
		if o := s.objects[key]; o == nil || o.failed || o.answer == nil {
			return false
		}
	}
	return true
}

// list lets vaults be asked for the objects of a class, where that is allowed.
func (s *state) list(c *class, now time.Time) {
	ns, in := s.namespaces[c.key.Namespace]
	if !in || c.content == nil || !c.content.Azure || ns.Listed == nil || !ns.Listed(c.content.Vault) {
		s.unlist(c, now)
		return
	}
	known := len(c.listing) > 0
	for _, key := range c.content.Objects {
		o := s.objects[key]
		if o == nil {
			o = &object{key: key, classes: map[types.NamespacedName]*class{}}
			s.objects[key] = o
			s.looks.put(o, now)
		}
		o.classes[c.key] = c
		if !known {
			c.listing = append(c.listing, o)
		}
		s.hurry(o, now)
	}
}

// unlist takes a class from those for which vaults are asked.
func (s *state) unlist(c *class, now time.Time) {
	for _, o := range c.listing {
		delete(o.classes, c.key)
		if len(o.classes) == 0 {
			s.looks.remove(o)
			delete(s.objects, o.key)
			continue
		}
		s.hurry(o, now)
	}
	c.listing = nil
}

// hurry sets the interval at which a vault is asked about an object: the shortest of its pods.
func (s *state) hurry(o *object, now time.Time) {
	o.asked = 0
	for _, c := range o.classes {
		if asked := c.asked(); asked > 0 && (o.asked == 0 || asked < o.asked) {
			o.asked = asked
		}
	}
	if at := now.Add(soonEnough(o.asked)); o.answer != nil && o.at.After(at) {
		s.looks.put(o, at)
	}
}

// look takes the objects that vaults are to be asked about.
func (s *state) look(w *Work, now time.Time) {
	for o, ok := s.looks.due(now); ok; o, ok = s.looks.due(now) {
		// An answer that never comes must not end the looks.
		s.looks.put(o, now.Add(max(time.Minute, 2*o.asked)))
		w.Looks = append(w.Looks, o.key)
	}
}

// Answer takes what a vault says of an object, nil if it does not say. It returns the classes
// whose pods stay with an older version because the newest is disabled, once for each.
func (s *state) Answer(key Object, v *Versions, now time.Time) (disabled []types.NamespacedName) {
	o := s.objects[key]
	if o == nil {
		return nil
	}
	o.failed = v == nil
	news := v != nil && v.Disabled && (o.answer == nil || !o.answer.Disabled || !v.Created.Equal(o.answer.Created))
	if v != nil {
		o.answer = v
	}
	s.looks.put(o, now.Add(o.pause()))
	for _, c := range o.classes {
		s.tend(c, now)
		for _, p := range c.pods {
			s.weigh(p, now)
		}
		if news {
			disabled = append(disabled, c.key)
		}
	}
	return disabled
}

// emptyAfter is how long a running pod may be without a record. The driver writes it before the
// containers start; a restart of the API server or of the driver may hold it up.
const emptyAfter = time.Minute

// Empty is a running pod of whose classes the driver has recorded no mount: its containers see an
// empty folder.
type Empty struct {
	Pod     Pod
	Classes []string
}

// Empties takes the pods that run without their files, each once.
func (s *state) Empties(now time.Time) []Empty {
	var all []Empty
	for _, p := range s.pods {
		if p.told || len(p.mounts) == len(p.Asked) || now.Sub(p.seen) < emptyAfter {
			continue
		}
		if _, in := s.namespaces[p.Key.Namespace]; !in {
			continue
		}
		p.told = true
		e := Empty{Pod: p.Pod}
		for name := range p.Asked {
			if p.mounts[name] == nil {
				e.Classes = append(e.Classes, name)
			}
		}
		slices.Sort(e.Classes)
		all = append(all, e)
	}
	return all
}
