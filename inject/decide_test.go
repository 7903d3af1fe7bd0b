package inject_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"akv-injector/inject"
	"akv-injector/inject/annotation"
	"akv-injector/inject/facts"
	"akv-injector/inject/policy"
	"akv-injector/internal/testing/fixture"
)

// The decision is the same with the facts in one step or in two.
func TestDecisionInTwoSteps(t *testing.T) {
	r := fixture.New()
	r.Facts.Namespace.Annotations[annotation.VaultChecks] = policy.VaultChecksEnforce
	r.Facts.Namespace.Annotations[annotation.AllowedVaults] = "payments-*"
	request := inject.Parse(r.Target, r.Facts.Namespace, inject.Settings{})
	first := inject.Decide(request, r.Known())
	all := r.Known()
	all.Now, all.Vault = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), map[facts.VaultObject]facts.VaultAnswer{first.VaultObjects[0]: {}}
	once, twice := inject.Decide(request, all), first.WithVault(all)
	if diff := cmp.Diff(once.Findings, twice.Findings); diff != "" || len(once.Errors()) != 1 {
		t.Errorf("%d errors; -at once +in two steps:\n%s", len(once.Errors()), diff)
	}
}
