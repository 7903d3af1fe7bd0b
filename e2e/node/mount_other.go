//go:build !linux

package node

import (
	"fmt"
	"runtime"
)

// Both are for the mounts of a node, which takes Linux.

func share(string) error {
	return fmt.Errorf("share the mounts of a node: a node takes Linux, and this is %s", runtime.GOOS)
}

func unmountBelow(...string) error {
	return fmt.Errorf("unmount what a node mounted: a node takes Linux, and this is %s", runtime.GOOS)
}
