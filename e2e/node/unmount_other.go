//go:build !linux

package node

import (
	"fmt"
	"runtime"
)

// unmountBelow is for the mounts of a node, which takes Linux.
func unmountBelow(...string) error {
	return fmt.Errorf("unmount what a node mounted: a node takes Linux, and this is %s", runtime.GOOS)
}
