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
	roleEmpty = "empty" // the same, and waits
)

// up is what a run prints when it is all there: when a pod has its secret.
const up = "the pod runs"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	prepare := func(ctx context.Context) error { return system.Prepare(ctx, os.Stderr) }
	if role == roleSweep || role == roleEmpty {
		prepare = func(context.Context) error { return nil }
	}
	os.Exit(sandbox.Run(prepare, func() int {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
		return 0
	}))
}

func play(role string) error {
	if role == roleSweep {
		return nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if role == roleEmpty {
		fmt.Println(up)
		<-ctx.Done()
		return nil
	}
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
