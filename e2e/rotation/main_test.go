// Package rotation_test holds the one promise against the real system: a rotated secret
// arrives in a running container. It runs on a real node, in a sandbox, with both of the
// drivers that users have: 1.6.0, which the kubelet makes rotate, and 1.4.8, which has a
// loop of its own.
package rotation_test

import (
	"context"
	"flag"
	"os"
	"testing"

	"akv-injector/e2e/build"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/system"
)

func TestMain(m *testing.M) {
	// They wait more than they compute: on two processors five at a time take half as long as
	// two, and more of them only wait for each other. A -parallel of the command line is read
	// later, and wins.
	if err := flag.Set("test.parallel", "5"); err != nil {
		panic(err)
	}
	sandbox.Main(m, func(ctx context.Context) error {
		if err := system.Prepare(ctx, os.Stderr); err != nil {
			return err
		}
		if _, err := build.Tool(ctx, os.Stderr, "helm"); err != nil {
			return err
		}
		for _, program := range []string{"./cmd/kubectl-akv", readAgain} {
			if _, err := build.Product(ctx, os.Stderr, program); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestDriver160 and TestDriver148 are the same tests with one driver and the other.
func TestDriver160(t *testing.T) { run(t, system.Options{}) }

func TestDriver148(t *testing.T) { run(t, system.Options{Legacy: true}) }

// test is one of the tests. It has namespaces, vaults and identities of its own.
type test struct {
	name string
	run  func(*testing.T, *system.System)
}

// Those of together run side by side. Those of alone stop or slow what all use, so they
// run one after the other when the rest is over.
func run(t *testing.T, options system.Options) {
	sandbox.Require(t)
	options.Log = t.Output()
	s, err := system.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Run("together", func(t *testing.T) {
		for _, each := range together {
			t.Run(each.name, func(t *testing.T) {
				t.Parallel()
				each.run(t, s)
			})
		}
	})
	for _, each := range alone {
		t.Run(each.name, func(t *testing.T) { each.run(t, s) })
	}
}

var together = []test{
	{"Story", story},
	{"Program", program},
	{"AKSExample", aksExample},
	{"FromNothing", fromNothing},
	{"Stuck", stuck},
	{"Blog", blog},
	{"InContainer", inContainer},
	{"WrongIdentity", wrongIdentity},
	{"Binding", binding},
	{"ClassHarmed", classHarmed},
	{"Vaults", vaults},
	{"Kinds", kinds},
	{"Names", names},
	{"EveryContainer", everyContainer},
	{"ChosenContainers", chosenContainers},
	{"SilentlyWrong", silentlyWrong},
	{"TenantSpelling", tenantSpelling},
	{"FileModes", fileModes},
	{"SubPath", subPath},
	{"SyncedVariable", syncedVariable},
	{"Pinned", pinned},
	{"Interval", interval},
	{"Override", override},
	{"ClassTwice", classTwice},
	{"LateClass", lateClass},
	{"MissingAccount", missingAccount},
	{"MountPaths", mountPaths},
	{"Refused", refused},
	{"Status", statusCommand},
}

var alone = []test{
	{"Budget", budget},
	{"Neighbour", neighbour},
	{"ProviderStopped", providerStopped},
	{"Outage", outage},
	{"Unreachable", unreachable},
	{"ControllerAway", controllerAway},
	{"NodeRestart", nodeRestart},
	{"NodeReboot", nodeReboot},
	// Its pods are left to end with the sandbox, which is cheaper than one by one.
	{"FiftyAtOnce", fiftyAtOnce},
}

// newTenant makes a tenant, or ends the test. Its pods end with the test.
func newTenant(t *testing.T, s *system.System, name string) *system.Tenant {
	t.Helper()
	tenant, err := s.NewTenant(t.Context(), name)
	check(t, err)
	clearAfter(t, s, tenant.Namespace)
	return tenant
}

// clearAfter ends the pods of a namespace when the test is over.
func clearAfter(t *testing.T, s *system.System, namespace string) {
	t.Helper()
	t.Cleanup(func() {
		// The test's own context is over by then.
		if err := s.Clear(context.Background(), namespace); err != nil {
			t.Error(err)
		}
	})
}

// check ends the test on an error.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
