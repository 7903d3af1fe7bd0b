// Package rights_test takes each right away from akv-injector's account, one by one, and sees what no longer works; and sees it work again when
// the right is given back. So no role of the installation has a right that is not needed, and it is known what each is for.
package rights_test

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
	if !sandbox.Inside() { // inside there is no network to build it with
		if _, err := build.Tool(context.Background(), os.Stderr, "helm"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	cluster.Main(m, injector.Options{})
}
