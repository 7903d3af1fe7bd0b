// Package rights_test takes each right away from akv-injector's account, one by one, and sees what no longer works; and sees it work again when
// the right is given back. So no role of the installation has a right that is not needed, and it is known what each is for.
package rights_test

import (
	"testing"

	"akv-injector/e2e/cluster"
	"akv-injector/e2e/injector"
)

func TestMain(m *testing.M) {
	cluster.WithHelm(m, injector.Options{})
}
