package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/node"
	"akv-injector/e2e/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main(m, func(ctx context.Context) error {
		_, err := build.Ensure(ctx, os.Stderr, slices.Concat(build.ControlPlane(), build.Node())...)
		return err
	})
}

// cluster is a control plane with a node.
type cluster struct {
	*controlplane.ControlPlane
	node *node.Node
}

// start starts both, and ends them with the test.
func start(t *testing.T) *cluster {
	t.Helper()
	cp, err := controlplane.Start(t.Context(), controlplane.Options{ControllerManager: true, Scheduler: true, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	n, err := node.Start(t.Context(), cp, node.Options{SyncFrequency: 2 * time.Second, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(n.Explain(errors.New("of the time of the failure")))
			t.Log(cp.Explain())
		}
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	return &cluster{cp, n}
}

// kubectl runs a command with an input, and gives what it prints.
func (c *cluster) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := c.KubectlCommand(ctx, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), err
}

// must is kubectl, or the test's end.
func (c *cluster) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.kubectl(t.Context(), "", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
