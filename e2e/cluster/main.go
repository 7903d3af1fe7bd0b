package cluster

import (
	"context"
	"os"

	"akv-injector/e2e/build"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/sandbox"
)

// WithHelm is [Main] for a package that renders the chart.
func WithHelm(m sandbox.Tests, options injector.Options, modules ...string) {
	runMain(m, options, modules, "helm")
}

// Main is the TestMain of a package whose tests need a control plane. Where there can be a
// sandbox they run in one, so that however they end nothing is left, and every port is
// theirs; elsewhere they run without. The modules are those whose files they read, beside
// the driver's.
func Main(m sandbox.Tests, options injector.Options, modules ...string) {
	runMain(m, options, modules)
}

func runMain(m sandbox.Tests, options injector.Options, modules []string, tools ...string) {
	sandbox.Main(m, func(ctx context.Context) error {
		// Also what some of the packages alone need: in a sandbox there is no network.
		if _, err := build.Ensure(ctx, os.Stderr, append(build.ControlPlane(), build.WorkloadIdentity()...)...); err != nil {
			return err
		}
		for _, tool := range tools {
			if _, err := build.Tool(ctx, os.Stderr, tool); err != nil {
				return err
			}
		}
		for _, module := range append([]string{injector.DriverModule}, modules...) {
			if _, err := build.ModuleDir(ctx, module); err != nil {
				return err
			}
		}
		options.Log = os.Stderr
		if _, err := injector.Build(ctx, options); err != nil {
			return err
		}
		options.Race = false // some tests of a package may go without
		_, err := injector.Build(ctx, options)
		return err
	})
}
