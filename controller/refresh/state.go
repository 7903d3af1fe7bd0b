package refresh

import (
	"container/heap"
	"slices"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

// Limits of what is done.
type Limits struct {
	// Nudges a second, of all pods together.
	Nudges float64
	// PerNode is the nudges a second of one node's pods: the kubelet and the driver work on
	// them one after the other.
	PerNode float64
}

// Namespace is what matters of a namespace that has opted in.
type Namespace struct {
	// Listed reports whether the vault's list of versions may be asked for. It is called
	// each time that something of the namespace changes.
	Listed func(vault string) bool
}

// Driver is what matters of the cluster's CSI driver.
type Driver struct {
	// Idle is why nudges are of no use, or empty.
	Idle string
	// Gate is how long the driver skips what it has written.
	Gate time.Duration
}

// state knows which pods have an older version than there is, and when each can be nudged. It is
// not safe for concurrent use.
type state struct {
	limits Limits
	driver Driver
	// stopped is set while no pod may be nudged.
	stopped    bool
	namespaces map[string]Namespace
	pods       map[types.NamespacedName]*pod
	classes    map[types.NamespacedName]*class
	objects    map[Object]*object
	// records of pods that are not known, or not yet.
	records map[recordKey]*Record
	// recorded is how many of them there are of a pod.
	recorded map[types.NamespacedName]int

	pending queue[*pod] // by when they are due
	ready   fair
	// canaries are the classes, by when one of their pods is next.
	canaries queue[*class]
	looks    queue[*object]
	// unread are classes whose content is not known.
	unread map[types.NamespacedName]bool

	nudges   *rate.Limiter
	ofCanary *rate.Limiter
	perNode  map[string]*rate.Limiter
}

type recordKey struct {
	pod   types.NamespacedName
	class string
}

// pod is a Pod with what is done about it.
type pod struct {
	Pod
	mounts map[string]*Record
	// since its record changed last, how often it was nudged, and when.
	tries int
	last  time.Time
	// target is what the last nudge was for, and stale what it should have now; empty if
	// nothing.
	target, stale string
	gaveUp        bool
	// seen is when it was first known, and told whether it was reported as empty.
	seen time.Time
	told bool
	// waits is set while it is ready and has no turn yet.
	waits bool

	slot
}

// class is the pods of a namespace that mount a class.
type class struct {
	key  types.NamespacedName
	pods map[types.NamespacedName]*pod
	// intervals is how many of the pods ask for each.
	intervals map[time.Duration]int
	content   *Class
	// listing are the objects that vaults are asked about for this class.
	listing []*object
	// seen is, for each object, the version of the record that was written last.
	seen map[string]sighting
	// hint is what events have said and no record has shown yet; nil if nothing.
	hint *hint
	slot
}

type sighting struct {
	version string
	at      time.Time
}

// object is one that vaults are asked about.
type object struct {
	key     Object
	classes map[types.NamespacedName]*class
	asked   time.Duration
	answer  *Versions
	// failed is set if the last question had no answer.
	failed bool
	// expected is the version that an event has named, until it is seen or was looked for too often.
	expected string
	misses   int
	// hurried is when an event last had the vault asked.
	hurried time.Time
	slot
}

func newState(limits Limits) *state {
	return &state{
		limits:     limits,
		namespaces: map[string]Namespace{},
		pods:       map[types.NamespacedName]*pod{},
		classes:    map[types.NamespacedName]*class{},
		objects:    map[Object]*object{},
		records:    map[recordKey]*Record{},
		recorded:   map[types.NamespacedName]int{},
		unread:     map[types.NamespacedName]bool{},
		ready:      newFair(),
		nudges:     rate.NewLimiter(rate.Limit(limits.Nudges), max(1, int(limits.Nudges))),
		ofCanary:   rate.NewLimiter(rate.Limit(limits.Nudges/2), max(1, int(limits.Nudges/2))),
		perNode:    map[string]*rate.Limiter{},
	}
}

// SetDriver takes what is known of the driver.
func (s *state) SetDriver(d Driver, now time.Time) {
	if s.driver == d {
		return
	}
	s.driver = d
	for _, p := range s.pods {
		s.weigh(p, now)
	}
}

// Stop ends all nudges until it is called with false.
func (s *state) Stop(stopped bool, now time.Time) {
	if s.stopped == stopped {
		return
	}
	s.stopped = stopped
	for _, p := range s.pods {
		s.weigh(p, now)
	}
}

// SetNamespace takes a namespace, nil if it has not opted in, has stopped, or is gone.
func (s *state) SetNamespace(name string, ns *Namespace, now time.Time) {
	if ns == nil {
		delete(s.namespaces, name)
	} else {
		s.namespaces[name] = *ns
	}
	for key, c := range s.classes {
		if key.Namespace != name {
			continue
		}
		s.list(c, now)
		s.tend(c, now)
		for _, p := range c.pods {
			s.weigh(p, now)
		}
	}
}

// SetPod takes a pod that can be nudged.
func (s *state) SetPod(next Pod, now time.Time) {
	if known := s.pods[next.Key]; known != nil {
		if known.UID == next.UID && known.Node == next.Node {
			return // volumes cannot change
		}
		s.DeletePod(next.Key, now)
	}
	p := &pod{Pod: next, mounts: map[string]*Record{}, seen: now}
	s.pods[next.Key] = p
	for name := range next.Asked {
		key := types.NamespacedName{Namespace: next.Key.Namespace, Name: name}
		c := s.classes[key]
		if c == nil {
			c = &class{key: key, pods: map[types.NamespacedName]*pod{}, intervals: map[time.Duration]int{}, seen: map[string]sighting{}}
			s.classes[key] = c
			s.unread[key] = true
		}
		before := c.asked()
		c.pods[next.Key] = p
		c.intervals[next.Asked[name]]++
		if r := s.records[recordKey{next.Key, name}]; r != nil && s.belongs(r, p) {
			s.mount(c, p, r, now)
		}
		if c.asked() != before {
			s.list(c, now)
			s.tend(c, now)
		}
	}
	s.weigh(p, now)
}

// DeletePod forgets a pod.
func (s *state) DeletePod(key types.NamespacedName, now time.Time) {
	p := s.pods[key]
	if p == nil {
		return
	}
	delete(s.pods, key)
	s.pending.remove(p)
	s.ready.remove(p)
	for name, asked := range p.Asked {
		c := s.classes[types.NamespacedName{Namespace: key.Namespace, Name: name}]
		before := c.asked()
		delete(c.pods, key)
		if c.intervals[asked]--; c.intervals[asked] == 0 {
			delete(c.intervals, asked)
		}
		switch {
		case len(c.pods) == 0:
			s.unlist(c, now)
			s.canaries.remove(c)
			delete(s.classes, c.key)
			delete(s.unread, c.key)
		case c.asked() != before:
			s.list(c, now)
			s.tend(c, now)
		}
	}
}

// Arrival is a version that has come into a pod.
type Arrival struct {
	Pod     Pod
	Class   string
	ID      string
	Version string
	// Lag is the time since the version was made, 0 if that is not known.
	Lag time.Duration
}

// SetRecord takes a record, and returns what is new in it. One without a time has the versions
// that it had before.
func (s *state) SetRecord(r Record, now time.Time) []Arrival {
	key := recordKey{r.Pod, r.Class}
	if r.Changed.IsZero() {
		r.Changed = now
		if known := s.records[key]; known != nil {
			r.Changed = known.Changed
		}
	}
	if s.records[key] == nil {
		s.recorded[r.Pod]++
	}
	s.records[key] = &r
	p := s.pods[r.Pod]
	if p == nil || !s.belongs(&r, p) {
		return nil
	}
	c := s.classes[types.NamespacedName{Namespace: r.Pod.Namespace, Name: r.Class}]
	if _, mounts := p.Asked[r.Class]; !mounts || c == nil {
		return nil
	}
	before := p.mounts[r.Class]
	var arrivals []Arrival
	if before != nil {
		for id, version := range r.Versions {
			if old, had := before.Versions[id]; had && old != version {
				arrivals = append(arrivals, Arrival{Pod: p.Pod, Class: r.Class, ID: id, Version: version, Lag: s.lag(c, id, version, now)})
			}
		}
	}
	s.mount(c, p, &r, now)
	s.tend(c, now)
	return arrivals
}

// lag is the time since a vault made a version.
func (s *state) lag(c *class, id, version string, now time.Time) time.Duration {
	if c.content == nil {
		return 0
	}
	o := s.objects[c.content.Objects[id]]
	if o == nil || o.answer == nil || o.answer.Created.IsZero() {
		return 0
	}
	if !slices.Contains(o.answer.Newest, version) {
		return 0
	}
	return max(0, now.Sub(o.answer.Created))
}

// DeleteRecord forgets a record.
func (s *state) DeleteRecord(pod types.NamespacedName, className string, now time.Time) {
	if s.records[recordKey{pod, className}] != nil {
		delete(s.records, recordKey{pod, className})
		if s.recorded[pod]--; s.recorded[pod] == 0 {
			delete(s.recorded, pod)
		}
	}
	if p := s.pods[pod]; p != nil && p.mounts[className] != nil {
		delete(p.mounts, className)
		s.weigh(p, now)
	}
}

// belongs reports whether a record is of this pod, rather than of one before with its name.
func (s *state) belongs(r *Record, p *pod) bool { return r.UID == "" || r.UID == p.UID }

// mount gives a pod its record. What the driver wrote last is the newest version that is known:
// each time it takes all objects of a class as they are in the vault.
func (s *state) mount(c *class, p *pod, r *Record, now time.Time) {
	if before := p.mounts[r.Class]; before == nil || !before.Changed.Equal(r.Changed) {
		p.tries, p.gaveUp, p.target = 0, false, ""
	}
	p.mounts[r.Class] = r
	c.shown(r)
	fresh := false
	for id, version := range r.Versions {
		known, ok := c.seen[id]
		if ok && !r.Changed.After(known.at) {
			continue
		}
		fresh = fresh || ok && known.version != version
		c.seen[id] = sighting{version, r.Changed}
	}
	if !fresh {
		s.weigh(p, now)
		return
	}
	for _, other := range c.pods {
		s.weigh(other, now)
	}
}

// Unread takes the classes whose content is to be read.
func (s *state) Unread() []types.NamespacedName {
	if len(s.unread) == 0 {
		return nil
	}
	var keys []types.NamespacedName
	for key := range s.unread {
		if _, in := s.namespaces[key.Namespace]; in {
			keys = append(keys, key)
			delete(s.unread, key)
		}
	}
	return keys
}

// ClassChanged forgets the content of a class.
func (s *state) ClassChanged(key types.NamespacedName) {
	if s.classes[key] != nil {
		s.unread[key] = true
	}
}

// SetClass takes the content of a class.
func (s *state) SetClass(key types.NamespacedName, content Class, now time.Time) {
	c := s.classes[key]
	if c == nil {
		return
	}
	s.unlist(c, now)
	c.content = &content
	s.list(c, now)
	s.tend(c, now)
	for _, p := range c.pods {
		s.weigh(p, now)
	}
}

// usable reports whether there is any use in nudges.
func (s *state) usable() bool { return !s.stopped && s.driver.Idle == "" }

// slot is the place of a thing in a queue.
type slot struct {
	at    time.Time
	index int // from 1; 0 is none
}

func (s *slot) place() *slot { return s }

// queue has things by their time, the earliest first.
type queue[T interface{ place() *slot }] struct{ all []T }

func (q *queue[T]) Len() int           { return len(q.all) }
func (q *queue[T]) Less(i, j int) bool { return q.all[i].place().at.Before(q.all[j].place().at) }
func (q *queue[T]) Swap(i, j int) {
	q.all[i], q.all[j] = q.all[j], q.all[i]
	q.all[i].place().index, q.all[j].place().index = i+1, j+1
}

// Push and Pop are for package heap.
func (q *queue[T]) Push(x any) {
	t := x.(T)
	t.place().index = len(q.all) + 1
	q.all = append(q.all, t)
}

// Pop takes the last.
func (q *queue[T]) Pop() any {
	last := q.all[len(q.all)-1]
	var none T
	q.all[len(q.all)-1] = none
	q.all = q.all[:len(q.all)-1]
	last.place().index = 0
	return last
}

// put gives a thing its time, whether or not it is in the queue.
func (q *queue[T]) put(t T, at time.Time) {
	p := t.place()
	p.at = at
	if p.index > 0 {
		heap.Fix(q, p.index-1)
		return
	}
	heap.Push(q, t)
}

func (q *queue[T]) remove(t T) {
	if i := t.place().index; i > 0 {
		heap.Remove(q, i-1)
	}
}

// due takes the next thing whose time has come.
func (q *queue[T]) due(now time.Time) (t T, ok bool) {
	if len(q.all) == 0 || q.all[0].place().at.After(now) {
		return t, false
	}
	return heap.Pop(q).(T), true
}

// next is the time of the first, zero if there is none.
func (q *queue[T]) next() time.Time {
	if len(q.all) == 0 {
		return time.Time{}
	}
	return q.all[0].place().at
}
