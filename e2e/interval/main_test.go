// Package interval_test holds the number that users write as rotationPollInterval against the real
// system, with the kubelet and the driver as they are by default: a new version arrives within it.
package interval_test

import (
	"context"
	"os"
	"testing"
	"time"

	"akv-injector/e2e/build"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/system"
)

func TestMain(m *testing.M) {
	sandbox.Main(m, func(ctx context.Context) error {
		if err := system.Prepare(ctx, os.Stderr); err != nil {
			return err
		}
		if _, err := build.Tool(ctx, os.Stderr, "helm"); err != nil {
			return err
		}
		_, err := build.Product(ctx, os.Stderr, "./cmd/kubectl-akv")
		return err
	})
}

// The defaults of the driver's --rotation-poll-interval and the kubelet's syncFrequency.
const (
	driversDefault  = 2 * time.Minute
	kubeletsDefault = time.Minute
)

func start(t *testing.T, options system.Options) *system.System {
	t.Helper()
	sandbox.Require(t)
	options.Log = t.Output()
	s, err := system.Start(t.Context(), options)
	check(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
