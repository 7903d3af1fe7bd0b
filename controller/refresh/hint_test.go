package refresh

import (
	"fmt"
	"testing"
	"time"
)

// After an event the new version is there at once, whatever the pods ask for, and without a right to
// the vault too.
func TestHint(t *testing.T) {
	for _, listed := range []bool{true, false} {
		for _, named := range []bool{true, false} {
			t.Run(fmt.Sprintf("listed %t, version named %t", listed, named), func(t *testing.T) {
				m := newSim(t, plenty)
				m.namespace("shop", listed)
				for i := range 10 {
					m.pod("shop", fmt.Sprintf("web-%d", i), "class", "kv", 10*time.Minute)
				}
				for i := range 5 {
					m.run(gate + 2*time.Second)
					m.reset()
					version := fmt.Sprintf("v%d", i+2)
					m.rotate("kv", version)
					said := ""
					if named {
						said = version
					}
					if !m.hint("KV", said) {
						t.Fatal("the event is of no use")
					}
					if took := m.arrival(version, slack); took > 500*time.Millisecond {
						t.Errorf("rotation %d arrived after %s", i, took)
					}
					m.hint("kv", said) // events come more than once
					m.run(time.Minute)
					most := 10
					if !named {
						most += maxHintTries // nobody can tell that the second event is the same
					}
					if m.total() > most || m.looks > 2 {
						t.Errorf("%d nudges and %d looks, for 10 pods and one object", m.total(), m.looks)
					}
				}
			})
		}
	}
}

// An event that comes while all gates are closed is remembered until the first one opens, and one
// that comes before the vault has the version is looked for again.
func TestHintTooEarly(t *testing.T) {
	for _, listed := range []bool{true, false} {
		m := newSim(t, plenty)
		m.namespace("shop", listed)
		m.pod("shop", "web", "class", "kv", time.Hour)
		m.run(5 * time.Second)
		m.rotate("kv", "v2")
		m.hint("kv", "v2")
		if took := m.arrival("v2", gate+slack); took > gate {
			t.Errorf("listed %t: with a closed gate it arrived after %s", listed, took)
		}
		m.run(gate + time.Second)
		m.hint("kv", "v3")
		m.run(2 * time.Second)
		m.rotate("kv", "v3")
		if took := m.arrival("v3", 5*time.Second); took > 2*time.Second {
			t.Errorf("listed %t: an event that was early: it arrived after %s", listed, took)
		}
	}
}

// What is made up costs little, and nothing for ever.
func TestHintsMadeUp(t *testing.T) {
	for _, listed := range []bool{true, false} {
		m := newSim(t, Limits{Nudges: 1, PerNode: 1})
		m.namespace("shop", listed)
		for i := range 100 {
			m.pod("shop", fmt.Sprintf("web-%d", i), "class", "kv", time.Hour)
		}
		m.run(gate + time.Second)
		m.reset()
		if m.hint("other-kv", "v2") {
			t.Error("an event of a vault that no pod reads is of use")
		}
		for i := range 1000 {
			m.hint("kv", fmt.Sprintf("made-up-%d", i))
			m.run(10 * time.Millisecond)
		}
		m.run(time.Hour)
		if m.total() > 20 || m.looks > 25 {
			t.Errorf("listed %t: 1,000 events in 10 s cost %d nudges and %d looks", listed, m.total(), m.looks)
		}
		if c := m.state.classes; len(c) != 1 {
			t.Errorf("%d classes", len(c))
		}
		for _, c := range m.state.classes {
			if c.hint != nil {
				t.Errorf("listed %t: something is still waited for", listed)
			}
		}
	}
}

// A namespace that has not opted in is told nothing, and events are of no use while nudges are not.
func TestHintLeftAlone(t *testing.T) {
	m := newSim(t, plenty)
	m.namespace("shop", false)
	m.pod("shop", "web", "class", "kv", time.Hour)
	m.run(gate + time.Second)
	m.state.Stop(true, m.now)
	m.rotate("kv", "v2")
	m.hint("kv", "v2")
	m.run(time.Minute)
	m.state.SetNamespace("shop", nil, m.now)
	m.state.Stop(false, m.now)
	if m.hint("kv", "v2") {
		t.Error("an event is of use in a namespace that has not opted in")
	}
	m.run(time.Hour)
	if m.total() != 0 {
		t.Errorf("%d nudges", m.total())
	}
}
