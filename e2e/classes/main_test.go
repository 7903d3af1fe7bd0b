package classes_test

import (
	"testing"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
)

func TestMain(m *testing.M) { cluster.Main(m, watched(injector.Options{})) }

// TestTwoReplicas has those that bear one another's company in a cluster.
func TestTwoReplicas(t *testing.T) {
	c := cluster.Start(t, controlplane.Options{}, watched(injector.Options{Replicas: 2, Args: []string{"--shutdown-delay=1s"}}))
	t.Run("ClassIsThereBeforeThePod", func(t *testing.T) { classIsThereBeforeThePod(t, c) })
	t.Run("RestoreTells", func(t *testing.T) { restoreTells(t, c) })
	t.Run("Attacks", func(t *testing.T) { attacks(t, c) })
	t.Run("RestartWithoutARefusal", func(t *testing.T) { restartWithoutARefusal(t, c) })
}

// TestShortGracePeriod has those that wait until it is over.
func TestShortGracePeriod(t *testing.T) {
	c := cluster.Start(t, controlplane.Options{}, watched(injector.Options{Replicas: 2, Args: []string{"--class-grace-period=" + grace.String()}}))
	t.Run("Collect", func(t *testing.T) { collect(t, c) })
	t.Run("APIServerRestart", func(t *testing.T) { apiServerRestart(t, c) })
}

// watched lets the race detector look at akv-injector: with replicas that restore, collect
// and answer at once these tests are those in which it has most to do.
func watched(options injector.Options) injector.Options {
	options.Race = build.Race()
	return options
}
