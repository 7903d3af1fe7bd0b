package admission_test

import "testing"

// TestInTurn has those that count calls, or that take from akv-injector what it needs: in
// one cluster, one after the other, those that give nothing back at the end.
func TestInTurn(t *testing.T) {
	t.Parallel()
	cp := plane(t)
	var s *system
	once := func(turn *testing.T) *system {
		turn.Helper()
		if s != nil {
			return s
		}
		var err error
		if s, err = install(t.Context(), cp, installed()); err != nil {
			turn.Fatal(err)
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
		t.Run(turn.name, func(t *testing.T) { turn.run(t, once(t)) })
	}
}
