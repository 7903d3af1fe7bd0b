package controlplane_test

import (
	"context"
	"os"
	"testing"

	"akv-injector/e2e/build"
	"akv-injector/e2e/sandbox"
)

// Where there can be a sandbox the tests run in one: an interrupt leaves nothing then.
func TestMain(m *testing.M) {
	sandbox.Main(m, func(ctx context.Context) error {
		if _, err := build.Ensure(ctx, os.Stderr, append(build.ControlPlane(), "kube-scheduler")...); err != nil {
			return err
		}
		_, err := build.ModuleDir(ctx, build.CSIDriver)
		return err
	})
}
