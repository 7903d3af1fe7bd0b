package rotation_test

import (
	"fmt"
	"testing"

	"akv-injector/e2e/azure/faults"
	"akv-injector/e2e/system"
)

// neighbour: a vault hangs that one pod rotates from. With driver 1.6.0 that is its own
// affair. Driver 1.4.8 rotates one pod after the other and without a deadline, so that no
// pod of the node gets a new version until the vault answers; new pods, which the
// kubelet asks for, do.
func neighbour(t *testing.T, s *system.System) {
	slow := newTenant(t, s, "neighbour-slow")
	check(t, newVersion("value")(slow))
	_, err := slow.Run(t.Context(), slow.Pod("pod", secret))
	check(t, err)
	good := newTenant(t, s, "neighbour-good")
	check(t, newVersion("value")(good))
	running, err := good.Run(t.Context(), good.Pod("running", secret))
	check(t, err)

	check(t, s.Azure.SetVaultFault(slow.Vault, &faults.Fault{Hang: true}))
	t.Cleanup(func() { check(t, s.Azure.SetVaultFault(slow.Vault, nil)) }) // whatever else happens
	if s.Options.Legacy {
		checkStalled(t, good, running.Name)
	}
	last := "the last value"
	check(t, newVersion(last)(good))
	if s.Options.Legacy {
		check(t, s.Azure.SetVaultFault(slow.Vault, nil))
	}
	check(t, good.AwaitContent(t.Context(), running.Name, secretFile, last))
	check(t, s.Azure.SetVaultFault(slow.Vault, nil))
}

// checkStalled: pod after pod starts with a version that the running one does not get.
// Nothing else tells that the loop hangs by now.
func checkStalled(t *testing.T, tenant *system.Tenant, running string) {
	t.Helper()
	const needed, most = 6, 12 // pods, each a second or more: several rounds of the loop
	missed := 0
	for i := range most {
		value := fmt.Sprintf("value %d", i)
		check(t, newVersion(value)(tenant))
		before, err := tenant.Cat(t.Context(), running, secretFile)
		check(t, err)
		pod, err := tenant.Run(t.Context(), tenant.Pod(fmt.Sprintf("new-%d", i), secret))
		check(t, err)
		check(t, tenant.AwaitContent(t.Context(), pod.Name, secretFile, value))
		after, err := tenant.Cat(t.Context(), running, secretFile)
		check(t, err)
		if missed++; after != before {
			missed = 0
		}
		if missed == needed {
			return
		}
	}
	t.Fatalf("the running pod of %s is rotated though another's vault hangs: if the driver has been changed,"+
		" what docs/operations.md says of it is out of date", tenant.Namespace)
}
