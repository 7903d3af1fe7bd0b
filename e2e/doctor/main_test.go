package doctor_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"akv-injector/e2e/build"
	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
	"akv-injector/e2e/sandbox"
)

func TestMain(m *testing.M) {
	if !sandbox.Inside() {
		if _, err := build.Product(context.Background(), os.Stderr, "./cmd/kubectl-akv"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	cluster.Main(m, injector.Options{})
}
