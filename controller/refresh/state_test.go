package refresh

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

const slack = 2 * time.Second

// Whatever finds the new version, it arrives within the interval that was asked for.
func TestArrivesWithinTheInterval(t *testing.T) {
	for _, listed := range []bool{true, false} {
		for _, asked := range []time.Duration{10 * time.Second, 30 * time.Second, 80 * time.Second} {
			for _, pods := range []int{1, 2, 10} {
				t.Run(fmt.Sprintf("listed %t, asked %s, %d pods", listed, asked, pods), func(t *testing.T) {
					m := newSim(t, plenty)
					m.namespace("shop", listed)
					for i := range pods {
						m.pod("shop", fmt.Sprintf("web-%d", i), "class", "kv", asked)
					}
					for i := range 20 {
						m.run(gate + 2*time.Second + time.Duration(i)*737*time.Millisecond)
						m.reset()
						version := fmt.Sprintf("v%d", i+2)
						m.rotate("kv", version)
						if took := m.arrival(version, asked+slack); took > asked+slack {
							t.Errorf("rotation %d arrived after %s", i, took)
						}
						if stale := m.total() - m.canaries; listed && stale != pods || !listed && stale != pods-1 {
							t.Errorf("rotation %d took %d nudges of stale pods, of %d pods", i, stale, pods)
						}
					}
				})
			}
		}
	}
}

// The first pod that gets a new version by itself is enough for the others: no vault is asked, and
// no canary is needed.
func TestSighting(t *testing.T) {
	m := newSim(t, plenty)
	m.namespace("shop", false)
	for i := range 10 {
		m.pod("shop", fmt.Sprintf("web-%d", i), "class", "kv", 2*time.Minute)
	}
	other := m.pod("shop", "other", "of-another-vault", "other-kv", 2*time.Minute)
	m.run(gate + 2*time.Second)
	m.rotate("kv", "v2")
	m.run(10 * time.Minute)
	if n := m.total() + m.looks; n != 0 {
		t.Fatalf("%d nudges and looks, though nobody has seen the new version", n)
	}
	m.write(m.pods[types.NamespacedName{Namespace: "shop", Name: "web-3"}])
	delete(m.pods, other)
	m.state.DeletePod(other, m.now)
	if took := m.arrival("v2", slack); took > slack {
		t.Errorf("the others have it after %s", took)
	}
	if m.total() != 9 {
		t.Errorf("%d nudges, want one for each of the other 9", m.total())
	}
}

// A pod whose driver would skip the call is nudged when it no longer does.
func TestGate(t *testing.T) {
	m := newSim(t, plenty)
	m.namespace("shop", true)
	m.pod("shop", "web", "class", "kv", 10*time.Second)
	m.run(5 * time.Second)
	m.rotate("kv", "v2")
	took := m.arrival("v2", gate+slack)
	if took < gate-10*time.Second {
		t.Fatalf("arrived after %s, with a gate of %s", took, gate)
	}
	m.rotate("kv", "v3")
	if took := m.arrival("v3", gate+slack); took < gate-10*time.Second {
		t.Errorf("the second of two rotations arrived after %s, with a gate of %s", took, gate)
	}
	if m.total() != 2 {
		t.Errorf("%d nudges for 2 rotations: none may be lost to a closed gate", m.total())
	}
}

// A driver that fails is tried again with growing pauses, and not for ever.
func TestGivesUp(t *testing.T) {
	m := newSim(t, plenty)
	m.namespace("shop", true)
	key := m.pod("shop", "web", "class", "kv", 10*time.Second)
	m.run(gate + 2*time.Second)
	m.deaf = true
	m.rotate("kv", "v2")
	m.run(24 * time.Hour)
	if m.nudges[key] != maxTries || m.gaveUp != 1 {
		t.Errorf("%d nudges, given up %d times", m.nudges[key], m.gaveUp)
	}
	// The next version is another reason, and a driver that works again brings both.
	m.reset()
	m.deaf = false
	m.rotate("kv", "v3")
	m.arrival("v3", lastPause+slack)
	m.reset()
	m.run(24 * time.Hour)
	if m.total() != 0 {
		t.Errorf("%d nudges of a pod that is current", m.total())
	}
}

// Nothing is nudged that is current, or that must not be.
func TestLeftAlone(t *testing.T) {
	key := types.NamespacedName{Namespace: "shop", Name: "web"}
	class := types.NamespacedName{Namespace: "shop", Name: "class"}
	for name, change := range map[string]func(*sim){
		"current":            func(m *sim) { m.rotate("kv", "v1") },
		"not opted in":       func(m *sim) { m.state.SetNamespace("shop", nil, m.now) },
		"stopped":            func(m *sim) { m.state.Stop(true, m.now) },
		"the driver is idle": func(m *sim) { m.state.SetDriver(Driver{Idle: "a loop of its own", Gate: gate}, m.now) },
		"another provider":   func(m *sim) { m.state.SetClass(class, Class{}, m.now) },
		"pinned": func(m *sim) {
			m.state.SetClass(class, Class{Azure: true, Vault: "kv", Pinned: map[string]bool{id: true}}, m.now)
		},
		"newest disabled": func(m *sim) { m.disabled[secretOf("kv")] = true },
		"deleted":         func(m *sim) { m.state.DeletePod(key, m.now); delete(m.pods, key) },
		"no record":       func(m *sim) { m.state.DeleteRecord(key, "class", m.now) },
		"a record of the pod before": func(m *sim) {
			p := m.pods[key]
			m.state.DeletePod(key, m.now)
			p.UID = "another"
			m.state.SetPod(p.Pod, m.now)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newSim(t, plenty)
			m.namespace("shop", true)
			m.pod("shop", "web", "class", "kv", 2*time.Minute)
			m.run(gate + 2*time.Second)
			m.rotate("kv", "v2")
			change(m)
			m.run(time.Hour)
			if m.total() != 0 {
				t.Errorf("%d nudges", m.total())
			}
		})
	}
}

// A pod that comes after the rotation, or whose record does, is weighed too; and what was stopped goes on.
func TestComesLater(t *testing.T) {
	for name, later := range map[string]func(m *sim, hidden *simPod){
		"the record": func(m *sim, p *simPod) {
			m.state.DeleteRecord(p.Key, p.class, m.now)
			m.run(time.Minute)
			m.record(p, p.has)
		},
		"the pod": func(m *sim, p *simPod) {
			m.state.DeletePod(p.Key, m.now)
			m.run(time.Minute)
			m.state.SetPod(p.Pod, m.now)
		},
		"the opt-in": func(m *sim, _ *simPod) {
			m.state.SetNamespace("shop", nil, m.now)
			m.run(time.Minute)
			m.namespace("shop", true)
		},
		"the end of a stop": func(m *sim, _ *simPod) {
			m.state.Stop(true, m.now)
			m.run(time.Minute)
			m.state.Stop(false, m.now)
		},
		"the driver": func(m *sim, _ *simPod) {
			m.state.SetDriver(Driver{Idle: "gone", Gate: gate}, m.now)
			m.run(time.Minute)
			m.state.SetDriver(Driver{Gate: gate}, m.now)
		},
		"the vault's answer": func(m *sim, _ *simPod) {
			m.mute = true
			m.run(time.Minute)
			m.mute = false
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newSim(t, plenty)
			m.namespace("shop", true)
			key := m.pod("shop", "web", "class", "kv", 2*time.Minute)
			m.run(gate + 2*time.Second)
			m.rotate("kv", "v2")
			later(m, m.pods[key])
			m.arrival("v2", 2*gate+slack)
		})
	}
}

// A vault that does not answer leaves the canary.
func TestCanaryWithoutTheVault(t *testing.T) {
	m := newSim(t, plenty)
	m.namespace("shop", true)
	for i := range 3 {
		m.pod("shop", fmt.Sprintf("web-%d", i), "class", "kv", 10*time.Second)
	}
	m.mute = true
	m.run(gate + 2*time.Second)
	m.rotate("kv", "v2")
	m.arrival("v2", 10*time.Second+slack)
	m.mute = false
	m.run(time.Minute)
	m.reset()
	m.run(10 * time.Minute)
	if m.canaries != 0 {
		t.Errorf("%d canaries, though the vault answers", m.canaries)
	}
}

// Canaries take turns, and there is one an interval.
func TestCanariesTakeTurns(t *testing.T) {
	m := newSim(t, plenty)
	m.namespace("shop", false)
	for i := range 5 {
		m.pod("shop", fmt.Sprintf("web-%d", i), "class", "kv", 10*time.Second)
	}
	m.run(gate + 2*time.Second)
	m.reset()
	m.run(10 * time.Minute)
	if most := int(10*time.Minute/soonEnough(10*time.Second)) + 1; m.canaries > most || m.canaries < most-2 {
		t.Errorf("%d canaries in ten minutes, want about %d", m.canaries, most)
	}
	for key, n := range m.nudges {
		if n < m.canaries/5-1 || n > m.canaries/5+1 {
			t.Errorf("%s was the canary %d of %d times", key, n, m.canaries)
		}
	}
}

// A tenant who asks for nothing, in thousands of pods, delays nobody by more than a turn.
func TestFair(t *testing.T) {
	m := newSim(t, Limits{Nudges: 20, PerNode: 1000})
	m.namespace("greedy", true)
	m.namespace("modest", true)
	for i := range 2000 {
		m.pod("greedy", fmt.Sprintf("pod-%d", i), "class", "greedy-kv", 10*time.Second)
	}
	key := m.pod("modest", "pod", "class", "kv", 10*time.Second)
	m.run(gate + 2*time.Second)
	m.rotate("greedy-kv", "v2")
	m.run(12 * time.Second)
	m.rotate("kv", "v2")
	begun := m.now
	for m.pods[key].has[id] != "v2" && m.now.Sub(begun) < time.Minute {
		m.run(100 * time.Millisecond)
	}
	if took := m.now.Sub(begun); took > 10*time.Second+slack {
		t.Errorf("it took %s beside a namespace of 2,000 stale pods", took)
	}
	m.arrival("v2", 2*time.Minute)
	if n := m.total(); n != 2001 {
		t.Errorf("%d nudges for 2,001 stale pods", n)
	}
}

// The shortest interval is first, and a node is not asked for all its pods at once.
func TestOrder(t *testing.T) {
	m := newSim(t, Limits{Nudges: 2, PerNode: 1})
	m.namespace("shop", true)
	m.pod("shop", "slow", "slow", "kv", 2*time.Minute)
	m.pod("shop", "fast", "fast", "kv", 10*time.Second)
	m.pod("shop", "middle", "middle", "kv", 30*time.Second)
	m.run(gate + 2*time.Second)
	m.rotate("kv", "v2")
	var order []string
	for range 100 {
		w := m.state.Next(m.now)
		for _, n := range w.Nudges {
			order = append(order, n.Pod.Name)
		}
		m.carryOut(&w)
		m.now = m.now.Add(100 * time.Millisecond)
	}
	if diff := cmp.Diff([]string{"fast", "middle", "slow"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// What a tenant writes into records costs no more than a bounded number of nudges, and none
// outside the namespace.
func TestForgedRecords(t *testing.T) {
	m := newSim(t, plenty)
	m.namespace("shop", false)
	m.namespace("victim", false)
	var pods []types.NamespacedName
	for i := range 3 {
		pods = append(pods, m.pod("shop", fmt.Sprintf("web-%d", i), "class", "kv", 2*time.Minute))
	}
	m.pod("victim", "web", "class", "kv", 2*time.Minute)
	m.run(gate + 2*time.Second)
	forger := m.pods[pods[0]]
	const hours = 2
	for i := range hours * 3600 {
		m.record(forger, map[string]string{id: fmt.Sprintf("forged%d", i)})
		m.run(time.Second)
	}
	for _, key := range pods[1:] {
		// After the first few one in five minutes.
		if n, most := m.nudges[key], maxTries+1+hours*int(time.Hour/lastPause); n > most {
			t.Errorf("%s was nudged %d times in %d hours, want at most %d", key, n, hours, most)
		}
	}
	if n := m.nudges[types.NamespacedName{Namespace: "victim", Name: "web"}]; n != 0 {
		t.Errorf("%d nudges of another namespace's pod", n)
	}
}

// The work of 10,000 pods is bounded by what changes.
func TestTenThousandPods(t *testing.T) {
	m := newSim(t, Limits{Nudges: 100, PerNode: 1000})
	m.namespace("shop", true)
	for i := range 10_000 {
		m.pod("shop", fmt.Sprintf("pod-%d", i), fmt.Sprintf("class-%d", i%1000), fmt.Sprintf("kv-%d", i%1000), 30*time.Second)
	}
	m.run(gate + 2*time.Second)
	m.reset()
	m.run(10 * time.Minute)
	if most := 1000 * int(10*time.Minute/soonEnough(30*time.Second)+1); m.looks > most || m.total() != 0 {
		t.Errorf("ten minutes without a rotation took %d looks (at most %d) and %d nudges", m.looks, most, m.total())
	}
}

// A pod that runs without a record is reported, once, and not while the record may still come.
func TestEmpties(t *testing.T) {
	m := newSim(t, plenty)
	m.namespace("shop", true)
	key := m.pod("shop", "web", "class", "kv", 10*time.Second)
	m.pod("elsewhere", "web", "class", "kv", 10*time.Second)
	m.state.DeleteRecord(key, "class", m.now)
	m.state.DeleteRecord(types.NamespacedName{Namespace: "elsewhere", Name: "web"}, "class", m.now)
	if early := m.state.Empties(m.now.Add(emptyAfter - time.Second)); len(early) != 0 {
		t.Errorf("reported too early: %+v", early)
	}
	found := m.state.Empties(m.now.Add(emptyAfter))
	if len(found) != 1 || found[0].Pod.Key != key || fmt.Sprint(found[0].Classes) != "[class]" {
		t.Errorf("reported %+v, want the one pod of a namespace that has opted in", found)
	}
	if again := m.state.Empties(m.now.Add(time.Hour)); len(again) != 0 {
		t.Errorf("reported again: %+v", again)
	}
}

// BenchmarkTenThousandPods is a minute of the leader's life with 10,000 pods of 1,000 classes that ask
// for 30s, without and with a rotation of all.
func BenchmarkTenThousandPods(b *testing.B) {
	for _, rotates := range []bool{false, true} {
		b.Run(fmt.Sprintf("rotation=%t", rotates), func(b *testing.B) {
			m := newSim(b, Limits{Nudges: 1000, PerNode: 10_000})
			m.namespace("shop", true)
			for i := range 10_000 {
				m.pod("shop", fmt.Sprintf("pod-%d", i), fmt.Sprintf("class-%d", i%1000), fmt.Sprintf("kv-%d", i%1000), 30*time.Second)
			}
			m.run(gate + 2*time.Second)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if rotates {
					for i := range 1000 {
						m.rotate(fmt.Sprintf("kv-%d", i), fmt.Sprintf("v%d", n+2))
					}
				}
				m.run(time.Minute)
				b.StopTimer()
				m.run(gate)
				b.StartTimer()
			}
		})
	}
}
