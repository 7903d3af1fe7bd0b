package admission_test

import (
	"testing"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
)

// TestInTurn has those that count calls, or that take from akv-injector what it needs: in
// one cluster, one after the other, those that give nothing back at the end.
func TestInTurn(t *testing.T) {
	t.Parallel()
	s := &system{cluster.Bare(t, controlplane.Options{})}
	without := s.storedWithoutUs(t)
	if err := s.install(t.Context(), installed()); err != nil {
		t.Fatal(err)
	}
	t.Run("PodsThatAreNoneOfOursAreUntouched", func(t *testing.T) { podsThatAreNoneOfOursAreUntouched(t, s, without) })
	for _, turn := range []struct {
		name string
		run  func(*testing.T, *system)
	}{
		{"CertificateIsReloaded", certificateIsReloaded},
		{"UpdatesOfAnInjectedPodCostNoCall", updatesOfAnInjectedPodCostNoCall},
		{"ClassRefusedByRBAC", classRefusedByRBAC},
		{"FailedLookupIsLeftToFailurePolicy", failedLookupIsLeftToFailurePolicy},
	} {
		t.Run(turn.name, func(t *testing.T) { turn.run(t, s) })
	}
}
