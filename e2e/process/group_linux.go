package process

import "syscall"

// ownGroup starts a program in a process group of its own, and lets the kernel kill
// it when the thread that started it ends.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
