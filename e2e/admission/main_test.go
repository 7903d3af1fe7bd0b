// Package admission_test has the real API server ask the real program about pods:
// what is stored, refused and told is held against the goldens and against what the
// API server does by itself.
package admission_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/injector"
)

func TestMain(m *testing.M) {
	cluster.WithHelm(stopping{m}, installed())
}

// stopping runs all tests and then stops what they shared.
type stopping struct{ *testing.M }

func (m stopping) Run() (code int) {
	defer func() {
		if err := stopShared(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}()
	return m.M.Run()
}

// Tests that disturb nothing share one system, each in namespaces of its own. It
// starts with the first that wants it.
var (
	sharedSystem = sync.OnceValues(func() (*system, error) {
		// A first build of everything takes ten minutes on two cores.
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
		defer cancel()
		c, err := cluster.New(ctx, controlplane.Options{Log: os.Stderr})
		if err != nil {
			return nil, err
		}
		started = &system{c}
		return started, started.install(ctx, installed())
	})
	started *system
)

func shared(t *testing.T) *system {
	t.Helper()
	s, err := sharedSystem()
	if err != nil {
		t.Fatal(err)
	}
	s.ExplainFailure(t)
	return s
}

func stopShared() error {
	if started == nil {
		return nil
	}
	return started.Stop()
}

// own starts a system that the test may break.
func own(t *testing.T, options injector.Options) *system {
	t.Helper()
	s := &system{cluster.Bare(t, controlplane.Options{})}
	if err := s.install(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	return s
}
