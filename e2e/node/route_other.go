//go:build !linux

package node

import (
	"fmt"
	"runtime"
)

func routeTo(string) error {
	return fmt.Errorf("a node takes Linux, and this is %s", runtime.GOOS)
}
