package rotation_test

import (
	"testing"

	"akv-injector/e2e/system"
	"akv-injector/inject/finding"
)

// pinned is AKV004: an object with a version keeps it while its neighbour, the same
// object without one, rotates. With a history "latest" is the newest.
func pinned(t *testing.T, s *system.System) {
	b := newByHand(t, s, "pinned")
	version := setSecret(t, b.Tenant, "DB-Password", "1")
	b.create(t, b.class("store",
		object("DB-Password"),
		object("DB-Password", "objectAlias: pinned", "objectVersion: "+version),
		object("DB-Password", "objectAlias: newest", "objectVersion: latest", "objectVersionHistory: 2"),
	))
	pod := b.pod("reader", "store")
	runPod(t, b.Tenant, pod)
	b.refusedBy(t, "AKV004", finding.Error, pod)

	for _, value := range []string{"2", "3"} {
		b.rotate(t, value, pod.Name, "/mnt/store/DB-Password", "/mnt/store/newest/0")
	}
	b.stays(t, pod.Name, "cat /mnt/store/pinned", "1")
	// The provider keeps one more than the history says.
	b.stays(t, pod.Name, "cd /mnt/store/newest; ls; cat *", "0\n1\n2\n321")
}

// interval is AKV005: nobody reads a volume's own interval, not even one that is none.
func interval(t *testing.T, s *system.System) {
	b := newByHand(t, s, "interval")
	setSecret(t, b.Tenant, "DB-Password", "1")
	b.create(t, b.class("day", object("DB-Password")), b.class("never", object("DB-Password")))
	pod := b.pod("reader", "day", "never")
	for i, value := range []string{"24h", "never"} {
		pod.Spec.Volumes[i].CSI.VolumeAttributes["rotationPollInterval"] = value
	}
	runPod(t, b.Tenant, pod)
	b.refusedBy(t, "AKV005", finding.Error, pod)
	for _, value := range []string{"2", "3"} {
		b.rotate(t, value, pod.Name, "/mnt/day/DB-Password", "/mnt/never/DB-Password")
	}
}
