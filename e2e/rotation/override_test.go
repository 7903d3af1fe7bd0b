package rotation_test

import (
	"slices"
	"testing"

	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/system"
	"akv-injector/inject/finding"
)

// override is AKV009, and why AKV018 looks at volumeAttributes: they win over the class.
// The driver 1.4.8 forgets them when it rotates: what the mount got from one vault, its
// loop replaces from the class's, within one interval.
func override(t *testing.T, s *system.System) {
	b := newByHand(t, s, "override")
	const other = "override-other"
	check(t, b.CreateVault(other))
	set := func(round string) {
		t.Helper()
		setSecret(t, b.Tenant, "Token", "the class's "+round)
		_, err := s.Azure.Vault().SetSecret(other, "Token", "the other vault's "+round, vault.Attributes{})
		check(t, err)
	}
	set("1")
	b.create(t, b.class("vault", object("Token")), b.class("objects", object("Token")))
	pod := b.pod("reader", "vault", "objects")
	pod.Spec.Volumes[0].CSI.VolumeAttributes["keyvaultName"] = other
	pod.Spec.Volumes[1].CSI.VolumeAttributes["objects"] = array(object("Token", "objectAlias: renamed"))
	runPod(t, b.Tenant, pod)
	b.refusedBy(t, "AKV009", finding.Error, pod)
	if !slices.ContainsFunc(s.Azure.Audit().VaultCalls, func(c vault.Call) bool {
		return c.Vault == other && c.Principal == b.Principal && c.Status == 200
	}) {
		t.Errorf("the vault %s, which the attribute names, was not read", other)
	}

	for _, round := range []string{"2", "3"} {
		set(round)
		if s.Options.Legacy {
			awaitFiles(t, b.Tenant, pod.Name, "app", map[string]string{
				"/mnt/vault/Token": "the class's " + round, "/mnt/objects/Token": "the class's " + round,
			})
			b.stays(t, pod.Name, "ls /mnt/objects", "Token")
		} else {
			awaitFiles(t, b.Tenant, pod.Name, "app", map[string]string{
				"/mnt/vault/Token": "the other vault's " + round, "/mnt/objects/renamed": "the class's " + round,
			})
			b.stays(t, pod.Name, "ls /mnt/objects", "renamed")
		}
	}
}
