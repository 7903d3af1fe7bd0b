// Package teardown_test looks for what a system leaves on the machine: nothing, however
// it ends.
package teardown_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"akv-injector/e2e/sandbox"
	"akv-injector/e2e/system"
)

// roleVariable makes this test's program, started again, a run of a system.
const roleVariable = "AKV_TEARDOWN_ROLE"

// Roles, by how the run ends.
const (
	roleEnds  = "ends"  // stops everything when its input ends
	roleFails = "fails" // ends without stopping anything when its input ends
	roleWaits = "waits" // until it is told to, or killed
	roleSweep = "sweep" // starts nothing, but for the sandbox
)

// up is what a run prints when a pod has its secret.
const up = "the pod runs"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(watch(m))
	}
	os.Exit(sandbox.Run(func(ctx context.Context) error { return system.Prepare(ctx, os.Stderr) }, func() int {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
		return 0
	}))
}

// watch runs the tests, when all that a run is made of has been built: that takes minutes
// once, and the runs have a deadline.
func watch(m *testing.M) int {
	if sandbox.Supported() == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err := system.Prepare(ctx, os.Stderr)
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

func play(role string) error {
	if role == roleSweep {
		return nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := system.Start(ctx, system.Options{Log: os.Stderr})
	if err != nil {
		return err
	}
	tenant, err := s.NewTenant(ctx, "teardown")
	if err != nil {
		return err
	}
	if _, err := tenant.SetSecret("DB-Password", "value"); err != nil {
		return err
	}
	if _, err := tenant.Run(ctx, tenant.Pod("pod", "DB-Password")); err != nil {
		return err
	}
	fmt.Println(up)
	if role == roleWaits {
		<-ctx.Done()
		return s.Stop()
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if role == roleFails {
		os.Exit(3)
	}
	return s.Stop()
}
