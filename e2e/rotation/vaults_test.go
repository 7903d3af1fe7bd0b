package rotation_test

import (
	"testing"

	"akv-injector/e2e/azure/vault"
	"akv-injector/e2e/system"
	"akv-injector/inject/annotation"
)

// vaults: one pod reads three vaults, each at a path of its own. A rotation in one
// arrives, and then one in each.
func vaults(t *testing.T, s *system.System) {
	tenant := newTenant(t, s, "vaults")
	set := func(vaultName, name, value string) {
		t.Helper()
		_, err := s.Azure.Vault().SetSecret(vaultName, name, value, vault.Attributes{})
		check(t, err)
	}
	for _, name := range []string{"vaults-shared", "vaults-partner"} {
		check(t, tenant.CreateVault(name))
		set(name, "Token", name+" 1")
	}
	set(tenant.Vault, "Token", "own 1")
	set(tenant.Vault, "Other", "other 1")

	pod := tenant.Pod("reader", "Token")
	pod.Annotations[annotation.Objects+".vaults-shared"] = "Token"
	// A vault's name has no case, and the default vault's own name adds to objects.
	pod.Annotations[annotation.Objects+".Vaults-Partner"] = "api/token=Token"
	pod.Annotations[annotation.Objects+"."+tenant.Vault] = "Other"
	runPod(t, tenant, pod)

	const shared, partner = system.Mounted + "-vaults-shared/Token", system.Mounted + "-vaults-partner/api/token"
	files := map[string]string{
		"Token": "own 1", "Other": "other 1",
		shared: "vaults-shared 1", partner: "vaults-partner 1",
	}
	awaitFiles(t, tenant, pod.Name, "app", files)

	set("vaults-shared", "Token", "vaults-shared 2")
	files[shared] = "vaults-shared 2"
	awaitFiles(t, tenant, pod.Name, "app", files)

	set(tenant.Vault, "Other", "other 3")
	set("vaults-shared", "Token", "vaults-shared 3")
	set("vaults-partner", "Token", "vaults-partner 3")
	files["Other"], files[shared], files[partner] = "other 3", "vaults-shared 3", "vaults-partner 3"
	awaitFiles(t, tenant, pod.Name, "app", files)
}
