package rights_test

import (
	"slices"
	"testing"
)

// TestEachRight: what the program does works with all its rights, and something does not without any one of them.
func TestEachRight(t *testing.T) {
	groups := map[string]func(*world) []probe{
		"use": func(w *world) []probe { return slices.Concat(admission(w), leads(w), controllers(w)) },
		"own": func(w *world) []probe { return slices.Concat(certificate(w), caches(w)) },
	}
	for name, group := range groups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.setDriver(false)
			var all []probe
			for _, group := range groups {
				all = append(all, group(w)...)
			}
			complete(t, granted(w.roles), all)
			w.all(t, group(w))
		})
	}
}

// complete holds probes against rights that are given.
func complete(t *testing.T, given []string, probes []probe) {
	t.Helper()
	tried := map[string]bool{}
	for i := range probes {
		tried[probes[i].right] = true
	}
	for _, right := range given {
		if !tried[right] {
			t.Errorf("%s is given, and nobody tries what it is for", right)
		}
		delete(tried, right)
	}
	for right := range tried {
		t.Errorf("%s is tried, and not given", right)
	}
}
