package sandbox

import (
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// Supported says why there can be no sandbox here; nil if there can.
func Supported() error {
	if os.Geteuid() != 0 {
		return unsupported("it takes root, for namespaces, mounts and cgroups (try sudo)")
	}
	// A root without this capability is that of a container.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return unsupported("reading this process's capabilities: %v", err)
	}
	for _, needed := range []struct {
		capability uint
		name       string
	}{{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, {unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}} {
		if data[needed.capability/32].Effective&(1<<(needed.capability%32)) == 0 {
			return unsupported("it takes the capability %s, which this container does not have", needed.name)
		}
	}
	return tried()
}

// tried tries what no capability reveals. Inside of a sandbox it has worked.
var tried = sync.OnceValue(func() error {
	if Inside() {
		return nil
	}
	all, err := hierarchies()
	if err != nil {
		return unsupported("it takes cgroups: %v", err)
	}
	for _, h := range all {
		// Often read only in a container, whatever its capabilities.
		if err := unix.Access(h.path, unix.W_OK); err != nil {
			return unsupported("it takes cgroups that can be written, and %s cannot: %v", h.path, err)
		}
	}
	result := make(chan error)
	go onAThreadOfItsOwn(func() { result <- tryMounts() })
	if err := <-result; err != nil {
		return unsupported("it takes mounts: %v", err)
	}
	return nil
})

// tryMounts mounts what a sandbox does, in a mount namespace that ends with the thread.
// There it may as well hide the folder for temporary files, so that it makes none.
func tryMounts() error {
	dir := os.TempDir()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if err := privatize(); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
		return &os.PathError{Op: "mount a tmpfs on", Path: dir, Err: err}
	}
	return overlay("/run", filepath.Join(dir, "run"))
}
