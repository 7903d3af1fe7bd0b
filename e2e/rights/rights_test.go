package rights_test

import (
	"slices"
	"testing"
)

// TestEachRight: what the program does works with all its rights, and something does not without any one of them.
func TestEachRight(t *testing.T) {
	w := newWorld(t, nil)
	w.setDriver(t, false)
	probes := slices.Concat(admission(w), caches(w), certificate(w), leads(w), controllers(w))
	w.complete(t, probes)
	w.all(t, probes)
}

// complete holds probes against the rights that are given.
func (w *world) complete(t *testing.T, probes []probe) {
	t.Helper()
	tried := map[string]bool{}
	for i := range probes {
		tried[probes[i].right] = true
	}
	for _, right := range granted(w.roles) {
		if !tried[right] {
			t.Errorf("%s is given, and nobody tries what it is for", right)
		}
		delete(tried, right)
	}
	for right := range tried {
		t.Errorf("%s is tried, and not given", right)
	}
}
