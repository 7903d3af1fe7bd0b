//go:build !linux

package sandbox

import "runtime"

// Supported says why there can be no sandbox on this system.
func Supported() error {
	return unsupported("it takes Linux, and this is %s", runtime.GOOS)
}

func outside() (int, error)    { return 1, Supported() }
func initialize() (int, error) { return 1, Supported() }

// Sweep has nothing to remove: no run had a sandbox.
func Sweep(string) error { return nil }
