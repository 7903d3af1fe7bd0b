package admission_test

import (
	"os"
	"testing"

	"akv-injector/e2e/controlplane"
)

// TestInTurn has those that count calls, or that take from akv-injector what it needs: in
// one cluster, one after the other, those that give nothing back at the end.
func TestInTurn(t *testing.T) {
	t.Parallel()
	cp, err := controlplane.Start(t.Context(), controlplane.Options{Dir: t.TempDir(), Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	var s *system
	once := func() *system {
		if s != nil {
			return s
		}
		if s, err = install(t.Context(), cp, installed()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.in.Stop(); err != nil {
				t.Error(err)
			}
		})
		s.explainFailure(t)
		return s
	}
	// It begins before akv-injector is there.
	t.Run("PodsThatAreNoneOfOursAreUntouched", func(t *testing.T) { podsThatAreNoneOfOursAreUntouched(t, cp, once) })
	for _, turn := range []struct {
		name string
		run  func(*testing.T, *system)
	}{
		{"CertificateIsReloaded", certificateIsReloaded},
		{"UpdatesOfAnInjectedPodCostNoCall", updatesOfAnInjectedPodCostNoCall},
		{"ClassRefusedByRBAC", classRefusedByRBAC},
		{"FailedLookupIsLeftToFailurePolicy", failedLookupIsLeftToFailurePolicy},
	} {
		t.Run(turn.name, func(t *testing.T) { turn.run(t, once()) })
	}
}
