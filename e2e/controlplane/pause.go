//go:build unix

package controlplane

import "syscall"

// PauseEtcd stops etcd where it is, as a disk that hangs does, until ResumeEtcd.
func (cp *ControlPlane) PauseEtcd() error {
	return syscall.Kill(cp.etcd.running.Pid(), syscall.SIGSTOP)
}

// ResumeEtcd lets it go on.
func (cp *ControlPlane) ResumeEtcd() error {
	return syscall.Kill(cp.etcd.running.Pid(), syscall.SIGCONT)
}
