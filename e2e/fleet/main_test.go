// Package fleet_test has the leader look after many pods on a real API server: kubelets and drivers are
// simulated, since a machine has room for a hundred real pods.
package fleet_test

import (
	"testing"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
)

func TestMain(m *testing.M) { cluster.Main(m, injector.Options{}) }
