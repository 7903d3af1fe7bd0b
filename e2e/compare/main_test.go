package compare_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/sandbox"
)

// In a sandbox the identity webhook, which takes one fixed port, has it to itself.
func TestMain(m *testing.M) {
	// In a sandbox there is no network to build it with.
	if sandbox.Supported() == nil && !sandbox.Inside() {
		if _, err := build.Ensure(context.Background(), os.Stderr, build.Compared()...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	cluster.Main(m, injector.Options{}, build.IdentityWebhook)
}
