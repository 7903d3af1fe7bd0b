package compare_test

import (
	"testing"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
)

// In a sandbox the identity webhook, which takes one fixed port, has it to itself.
func TestMain(m *testing.M) { cluster.Main(m, injector.Options{}, build.IdentityWebhook) }
