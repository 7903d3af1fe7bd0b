package growth_test

import (
	"testing"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
)

func TestMain(m *testing.M) { cluster.Main(m, injector.Options{}) }
