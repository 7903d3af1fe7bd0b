//go:build !linux

package process

import "syscall"

// ownGroup starts a program in a process group of its own. Only Linux can tie its life
// to its parent's: elsewhere it outlives a test that is killed.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
