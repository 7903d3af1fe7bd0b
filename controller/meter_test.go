package controller

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"akv-injector/inject/facts"
	"akv-injector/inject/provider"
)

func TestMeter(t *testing.T) {
	of := func(vault string, objects int) provider.Class {
		list := make([]provider.Object, objects)
		for i := range list {
			list[i] = provider.Object{Name: string(rune('a' + i)), Type: provider.TypeSecret}
		}
		return provider.Generate(vault, list, provider.Identity{ClientID: "11111111-1111-1111-1111-111111111111", TenantID: "22222222-2222-2222-2222-222222222222"}, provider.DefaultCloud)
	}
	one, two, other := of("shop-kv", 1), of("shop-kv", 2), of("other-kv", 1)
	pod := func(name string, classes ...provider.Class) *corev1.Pod {
		var names []string
		for _, c := range classes {
			names = append(names, c.Name)
		}
		return mounting(name, classes, names...)
	}
	m := NewMeter()
	ref := facts.VaultRef{Cloud: provider.DefaultCloud, Vault: "shop-kv"}
	if _, known := m.Calls(ref); known {
		t.Error("nothing is known before pods are")
	}
	synced := false
	m.synced = func() bool { return synced }
	if _, known := m.Calls(ref); known {
		t.Error("nothing is known before all pods are")
	}
	synced = true
	want := func(when string, calls int) {
		t.Helper()
		if got, known := m.Calls(ref); !known || got != calls {
			t.Errorf("%s: %d calls (%t), want %d", when, got, known, calls)
		}
	}
	want("no pods", 0)
	a, b, c := pod("a", one), pod("b", one, other), pod("c", two)
	for _, p := range []*corev1.Pod{a, b, c} {
		m.count(p, 1)
	}
	want("three pods", 2+2+3)
	// A pod whose status was taken off is of a class that is known already; a forged status is of none.
	bare := pod("bare", one)
	bare.Annotations = nil
	m.count(bare, 1)
	want("and one without a status", 2+2+3+2)
	forged := pod("forged", one)
	forged.Spec.Volumes = pod("x", of("shop-kv", 5)).Spec.Volumes
	m.count(forged, 1)
	want("and a forged status", 2+2+3+2)
	m.count(toolscache.DeletedFinalStateUnknown{}, -1) // no pod
	m.count(a, -1)
	m.count(c, -1)
	want("two are gone", 2+2)
	m.count(b, -1)
	m.count(bare, -1)
	m.count(forged, -1)
	want("all are gone", 0)
	if len(m.classes) != 0 {
		t.Errorf("%d classes are kept", len(m.classes))
	}
}
