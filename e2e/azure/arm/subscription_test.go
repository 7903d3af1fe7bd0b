package arm_test

import (
	"testing"

	"github.com/google/uuid"

	"akv-injector/e2e/azure/arm"
	"akv-injector/e2e/azure/cloud"
)

const vaultName = "payments-kv"

// newSubscription has one vault and one identity, "payments-id".
func newSubscription(t *testing.T) (*arm.Subscription, arm.Identity) {
	t.Helper()
	hosts, ok := cloud.Public.Hosts()
	if !ok {
		t.Fatal("the public cloud has no hosts")
	}
	s := arm.New(hosts, uuid.NewString())
	s.AddVault("", vaultName)
	identity, err := s.CreateIdentity(arm.Identity{Name: "payments-id"})
	if err != nil {
		t.Fatal(err)
	}
	return s, identity
}
