package refresh

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// gate is the driver's --rotation-poll-interval by default.
const gate = 2 * time.Minute

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// sim is a cluster as rotation.md measured it, without the kubelet's own rounds: a nudge makes the
// driver fetch what the vault has, unless it wrote less than its gate ago.
type sim struct {
	testing.TB
	state *state
	now   time.Time
	pods  map[types.NamespacedName]*simPod
	// versions by object, and what the vault said of each.
	versions map[Object]string
	created  map[Object]time.Time
	disabled map[Object]bool
	// deaf drivers do nothing when they are asked.
	deaf bool
	// mute vaults do not answer lists.
	mute bool

	nudges   map[types.NamespacedName]int
	canaries int
	looks    int
	gaveUp   int
}

type simPod struct {
	Pod
	class   string
	objects map[string]Object // by id
	has     map[string]string
	written time.Time
}

func newSim(tb testing.TB, limits Limits) *sim {
	tb.Helper()
	m := &sim{
		TB: tb, state: newState(limits), now: dawn, pods: map[types.NamespacedName]*simPod{},
		versions: map[Object]string{}, created: map[Object]time.Time{}, disabled: map[Object]bool{}, nudges: map[types.NamespacedName]int{},
	}
	m.state.SetDriver(Driver{Gate: gate}, m.now)
	return m
}

var plenty = Limits{Nudges: 1000, PerNode: 1000}

// namespace opts in, with a fence that names its vaults or without.
func (m *sim) namespace(name string, listed bool) {
	m.state.SetNamespace(name, &Namespace{Listed: func(string) bool { return listed }}, m.now)
}

func secretOf(vault string) Object { return Object{Vault: vault, Type: "secret", Name: "password"} }

const id = "secret/password"

// pod runs, and mounts a class of one secret of a vault.
func (m *sim) pod(namespace, name, class, vault string, asked time.Duration) types.NamespacedName {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	object := secretOf(vault)
	if m.versions[object] == "" {
		m.versions[object], m.created[object] = "v1", m.now
	}
	p := &simPod{
		Pod:   Pod{Key: key, UID: types.UID("uid-of-" + name), Node: "node", Asked: map[string]time.Duration{class: asked}},
		class: class, objects: map[string]Object{id: object}, has: map[string]string{},
	}
	m.pods[key] = p
	m.state.SetPod(p.Pod, m.now)
	m.write(p)
	m.read(types.NamespacedName{Namespace: namespace, Name: class})
	return key
}

// read is the answer to a Work.Reads.
func (m *sim) read(class types.NamespacedName) {
	for _, p := range m.pods {
		if p.Key.Namespace == class.Namespace && p.class == class.Name {
			m.state.SetClass(class, Class{Azure: true, Vault: p.objects[id].Vault, Objects: p.objects}, m.now)
			return
		}
	}
}

// write is the driver's mount, and its record.
func (m *sim) write(p *simPod) {
	changed := false
	for id, object := range p.objects {
		if p.has[id] != m.versions[object] {
			p.has[id], changed = m.versions[object], true
		}
	}
	if changed {
		p.written = m.now
		m.record(p, p.has)
	}
}

func (m *sim) record(p *simPod, versions map[string]string) {
	m.state.SetRecord(Record{Pod: p.Key, UID: p.UID, Class: p.class, Versions: maps.Clone(versions), Changed: m.now}, m.now)
}

func (m *sim) rotate(vault, version string) {
	o := secretOf(vault)
	m.versions[o], m.created[o] = version, m.now
}

// hint is an event.
func (m *sim) hint(vault, version string) bool {
	o := secretOf(vault)
	return m.state.Hint(Hint{Vault: o.Vault, Type: o.Type, Name: o.Name, Version: version}, m.now)
}

// run lets time pass.
func (m *sim) run(d time.Duration) {
	m.Helper()
	end := m.now.Add(d)
	for rounds := 0; ; rounds++ {
		if rounds > 1000 {
			m.Fatal("there is always more to do, and no time passes")
		}
		w := m.state.Next(m.now)
		m.carryOut(&w)
		if w.Wake.IsZero() || w.Wake.After(end) {
			m.now = end
			return
		}
		if w.Wake.After(m.now) {
			m.now, rounds = w.Wake, 0
		}
	}
}

func (m *sim) carryOut(w *Work) {
	for _, n := range w.Nudges {
		p := m.pods[n.Pod]
		if p == nil || p.UID != n.UID {
			m.Errorf("a nudge of %s, which is not there", n.Pod)
			continue
		}
		if _, in := m.state.namespaces[n.Pod.Namespace]; !in || !m.state.usable() {
			m.Errorf("a nudge of %s, which is not to be nudged", n.Pod)
		}
		m.nudges[n.Pod]++
		if n.Canary {
			m.canaries++
		}
		if !m.deaf && m.now.Sub(p.written) >= gate {
			m.write(p)
		}
	}
	for _, l := range w.Looks {
		m.looks++
		if m.mute {
			m.state.Answer(l, nil, m.now)
			continue
		}
		m.state.Answer(l, &Versions{
			At: m.now, Newest: []string{m.versions[l]}, Created: m.created[l], Disabled: m.disabled[l],
		}, m.now)
	}
	for _, key := range w.Reads {
		m.read(key)
	}
	m.gaveUp += len(w.GivenUp)
}

// arrival lets time pass until all pods have a version, and returns how long it took.
func (m *sim) arrival(version string, limit time.Duration) time.Duration {
	m.Helper()
	begun := m.now
	for m.now.Sub(begun) <= limit {
		if m.all(version) {
			return m.now.Sub(begun)
		}
		m.run(100 * time.Millisecond)
	}
	m.Fatalf("after %s some pods do not have %s: %s", limit, version, m.have())
	return 0
}

func (m *sim) all(version string) bool {
	for _, p := range m.pods {
		if p.has[id] != version {
			return false
		}
	}
	return true
}

func (m *sim) have() string {
	var all []string
	for _, p := range m.pods {
		all = append(all, fmt.Sprintf("%s has %s", p.Key, p.has[id]))
	}
	slices.Sort(all)
	return fmt.Sprint(all[:min(len(all), 5)])
}

func (m *sim) total() int {
	n := 0
	for _, count := range m.nudges {
		n += count
	}
	return n
}

func (m *sim) reset() {
	m.nudges, m.canaries, m.looks, m.gaveUp = map[types.NamespacedName]int{}, 0, 0, 0
}
