package rotation_test

import (
	"testing"

	"akv-injector/e2e/system"
)

// classHarmed: the class that a running pod was given is deleted, then edited. It comes
// back, and what is rotated after that arrives in the same container.
func classHarmed(t *testing.T, s *system.System) {
	c := newClassed(t, s, "class-harmed")
	c.delete(t)
	c.awaitRestored(t)
	c.rotate(t, "after the deletion")
	c.edit(t, "no-such-vault")
	c.awaitRestored(t)
	c.rotate(t, "after the edit")
}

// controllerAway: the same while no replica of akv-injector runs. Nothing restores the
// class; the content stays, and is not rotated. A replica that starts makes up for it.
func controllerAway(t *testing.T, s *system.System) {
	c := newClassed(t, s, "controller-away")
	// A rotation needs the driver only.
	c.stopInjector(t)
	c.rotate(t, "without akv-injector")

	c.delete(t)
	check(t, newVersion("while the class is gone")(c.Tenant))
	c.awaitMissed(t)
	c.awaitMissed(t)
	c.checkContent(t, "without akv-injector")
	// Pods cannot be created, and so not be replaced, as every pod that asks.
	if err := s.API.Create(t.Context(), c.Pod("another", secret)); err == nil {
		t.Error("a pod that asks was admitted though nobody answers")
	}
	c.startInjector(t)
	c.awaitRestored(t)
	check(t, c.AwaitContent(t.Context(), c.pod.Name, secretFile, "while the class is gone"))
	c.checkContainer(t)

	// An edit is followed as far as the identity may read.
	other := c.Vault + "-2"
	check(t, c.CreateVault(other))
	_, err := s.Azure.Vault().SetSecret(other, secret, "of another vault", vaultDefaults)
	check(t, err)
	c.stopInjector(t)
	c.edit(t, other)
	check(t, c.AwaitContent(t.Context(), c.pod.Name, secretFile, "of another vault"))
	c.startInjector(t)
	c.awaitRestored(t)
	check(t, c.AwaitContent(t.Context(), c.pod.Name, secretFile, "while the class is gone"))
	c.checkContainer(t)
}
