package installed_test

import (
	"context"
	"os"
	"testing"

	"akv-injector/e2e/installed"
	"akv-injector/e2e/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main(m, func(ctx context.Context) error { return installed.Prepare(ctx, os.Stderr) })
}

// machine starts one, which ends with the test.
func machine(t *testing.T, options installed.Options) *installed.Machine {
	t.Helper()
	sandbox.Require(t)
	options.Log = t.Output()
	m, err := installed.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(m.ExplainAll())
		}
		if err := m.Stop(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
