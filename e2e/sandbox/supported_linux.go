package sandbox

import (
	"os"

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
	return nil
}
