package secretsstore_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/secretsstore"
)

// In the sandbox what the driver mounts shows nowhere else, and goes with it.
func TestMain(m *testing.M) {
	sandbox.Main(tests{m}, func(ctx context.Context) error {
		for _, module := range []string{build.CSIDriver, build.CSIDriverLegacy} {
			if _, err := build.ModuleDir(ctx, module); err != nil {
				return err
			}
		}
		_, err := build.Ensure(ctx, os.Stderr, slices.Concat(build.ControlPlane(), build.SecretsStore(), build.LegacyDriver())...)
		return err
	})
}

// tests end with the control planes that they have shared.
type tests struct{ m *testing.M }

func (t tests) Run() int {
	code := t.m.Run()
	for _, cp := range controlPlanes {
		if err := cp.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}

// controlPlanes are started by the first test that needs one: by whether the older driver
// is installed there. What tests make in one they remove.
var controlPlanes = map[bool]*controlplane.ControlPlane{}

func controlPlane(t *testing.T, legacy bool) *controlplane.ControlPlane {
	t.Helper()
	if cp := controlPlanes[legacy]; cp != nil {
		return cp
	}
	cp, err := controlplane.Start(t.Context(), controlplane.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	controlPlanes[legacy] = cp
	return cp
}

// versions of the driver, with what they say of themselves.
var versions = []struct {
	name   string
	legacy bool
}{{"v1.6.0", false}, {"v1.4.8", true}}

const nodeName = "node-1"

// start starts the driver in a control plane, beside a kubelet that is not there.
func start(t *testing.T, options secretsstore.Options) (*controlplane.ControlPlane, *secretsstore.SecretsStore, secretsstore.Node) {
	t.Helper()
	cp := controlPlane(t, options.Legacy)
	options.Log = t.Output()
	root, err := os.MkdirTemp("", "kubelet-") //nolint:usetesting // Its path has the test's name, too long for a socket's.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	node := secretsstore.Node{Name: nodeName, KubeletRoot: root}
	s, err := secretsstore.Start(t.Context(), cp, node, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the driver logged:\n%s\nthe provider logged:\n%s", s.DriverLog(), s.ProviderLog())
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cp, s, node
}
