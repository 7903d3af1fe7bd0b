package refresh

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Whatever happens in whatever order: no pod is nudged that is not there or in no namespace that
// has opted in, no more often than the limits say, and with everything working again all
// pods become current.
func FuzzState(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add([]byte{0, 16, 32, 1, 2, 2, 11, 2, 12, 60, 61, 4, 4, 4, 5, 9, 1, 17, 33})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 300 {
			return
		}
		m := newSim(t, Limits{Nudges: 5, PerNode: 5})
		begun := m.now
		namespaces := []string{"a", "b"}
		for _, ns := range namespaces {
			m.namespace(ns, true)
		}
		for i, b := range script {
			ns := namespaces[int(b>>4)%2]
			key := types.NamespacedName{Namespace: ns, Name: fmt.Sprint("pod", int(b>>5)%3)}
			vault := "kv" + ns
			switch b % 16 {
			case 0, 1:
				if m.pods[key] == nil {
					m.pod(ns, key.Name, "class", vault, time.Duration(10+int(b))*time.Second)
				}
			case 2, 3:
				m.rotate(vault, fmt.Sprint("v", i))
			case 4:
				m.state.DeletePod(key, m.now)
				delete(m.pods, key)
			case 5:
				m.state.SetNamespace(ns, nil, m.now)
			case 6:
				m.namespace(ns, b>>4%4 > 1)
			case 7:
				m.mute = !m.mute
			case 8:
				m.deaf = !m.deaf
			case 9:
				if p := m.pods[key]; p != nil {
					m.record(p, map[string]string{id: fmt.Sprint("forged", i)})
				}
			case 10:
				m.state.DeleteRecord(key, "class", m.now)
			case 11:
				m.state.SetDriver(Driver{Gate: gate, Idle: map[bool]string{true: "idle"}[b>>4%2 == 1]}, m.now)
			case 12:
				m.state.Stop(b>>4%2 == 1, m.now)
			case 13:
				m.state.ClassChanged(types.NamespacedName{Namespace: ns, Name: "class"})
			case 14:
				version := m.versions[secretOf(vault)]
				if b>>4%2 == 1 {
					version = fmt.Sprint("made up ", i)
				}
				m.hint(vault, version)
			default:
				m.run(time.Duration(b) * time.Second)
			}
		}
		m.run(time.Second)
		if most := int(m.now.Sub(begun).Seconds()*5) + 5 + 5; m.total() > most {
			t.Errorf("%d nudges in %s, at 5 a second", m.total(), m.now.Sub(begun))
		}
		// All is well again, and each pod's record is what the driver wrote.
		m.mute, m.deaf = false, false
		m.state.SetDriver(Driver{Gate: gate}, m.now)
		m.state.Stop(false, m.now)
		for _, ns := range namespaces {
			m.namespace(ns, true)
		}
		for _, p := range m.pods {
			m.record(p, p.has)
		}
		m.run(gate + time.Second)
		for _, ns := range namespaces {
			m.rotate("kv"+ns, "last")
		}
		m.arrival("last", 10*time.Minute)
	})
}
