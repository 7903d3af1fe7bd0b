package classes_test

import (
	"testing"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
)

func TestMain(m *testing.M) { cluster.Main(m, watched(injector.Options{})) }

// watched lets the race detector look at akv-injector: with replicas that restore, collect
// and answer at once these tests are those in which it has most to do.
func watched(options injector.Options) injector.Options {
	options.Race = build.Race()
	return options
}
