package secretsstore_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/secretsstore"
)

// In the sandbox what the driver mounts shows nowhere else, and goes with it.
func TestMain(m *testing.M) {
	sandbox.Main(m, func(ctx context.Context) error {
		for _, module := range []string{build.CSIDriver, build.CSIDriverLegacy} {
			if _, err := build.ModuleDir(ctx, module); err != nil {
				return err
			}
		}
		_, err := build.Ensure(ctx, os.Stderr, slices.Concat(build.ControlPlane(), build.SecretsStore())...)
		return err
	})
}

// versions of the driver, with what they say of themselves.
var versions = []struct {
	name   string
	legacy bool
}{{"v1.6.0", false}, {"v1.4.8", true}}

const nodeName = "node-1"

// start starts a control plane, and the driver beside a kubelet that is not there.
func start(t *testing.T, options secretsstore.Options) (*controlplane.ControlPlane, *secretsstore.SecretsStore, secretsstore.Node) {
	t.Helper()
	cp, err := controlplane.Start(t.Context(), controlplane.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
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

// await asks until the condition holds.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
