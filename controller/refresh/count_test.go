package refresh

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func TestCountObjects(t *testing.T) {
	m := newSim(t, plenty)
	m.namespace("shop", true)
	m.pod("shop", "one", "class", "kv", 10*time.Second)
	m.pod("shop", "two", "class", "kv", 10*time.Second)
	m.run(gate + time.Second)
	soon := 24 * time.Hour
	if got, want := m.state.CountObjects(m.now, soon), (Objects{Listed: 1}); got != want {
		t.Errorf("want %+v, got %+v", want, got)
	}
	o := m.state.objects[secretOf("kv")]
	for name, test := range map[string]struct {
		expires time.Duration
		want    Objects
	}{
		"expired":  {-time.Hour, Objects{Listed: 1, Expired: 1}},
		"now":      {0, Objects{Listed: 1, Expired: 1}},
		"expiring": {time.Hour, Objects{Listed: 1, Expiring: 1}},
		"later":    {48 * time.Hour, Objects{Listed: 1}},
	} {
		o.answer.Expires = m.now.Add(test.expires)
		if got := m.state.CountObjects(m.now, soon); got != test.want {
			t.Errorf("%s: want %+v, got %+v", name, test.want, got)
		}
	}
	o.answer.Expires, o.answer.Disabled = time.Time{}, true
	for _, p := range m.pods {
		m.record(p, map[string]string{id: "v2 of " + p.Key.Name})
	}
	if got, want := m.state.CountObjects(m.now, soon), (Objects{Listed: 1, Disabled: 1, Mixed: 1}); got != want {
		t.Errorf("want %+v, got %+v", want, got)
	}
}

// The load is what is asked for by what is allowed, of calls to the busiest vault and of canaries.
func TestLoad(t *testing.T) {
	m := newSim(t, Limits{Nudges: 2, PerNode: 10})
	m.namespace("listed", true)
	m.namespace("canary", false)
	if load := m.state.Load(1); load != 0 {
		t.Errorf("nobody asks for anything: %v", load)
	}
	m.pod("listed", "one", "class", "kv", 10*time.Second)
	m.run(time.Second)
	if load, want := m.state.Load(0.1), 1/8.5/0.1; math.Abs(load-want) > 0.01 {
		t.Errorf("one object in 8.5 s, at a call in 10 s: want %.2f, got %.2f", want, load)
	}
	for i := range 20 {
		m.pod("canary", fmt.Sprint("pod-", i), fmt.Sprint("class-", i), fmt.Sprint("kv-", i), 10*time.Second)
	}
	m.run(time.Second)
	if load, want := m.state.Load(20), 20/8.5; math.Abs(load-want) > 0.01 {
		t.Errorf("20 canaries in 8.5 s, at one a second: want %.2f, got %.2f", want, load)
	}
}
