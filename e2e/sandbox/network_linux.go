package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// setUpNetwork brings the loopback interface up and gives it the sandbox's addresses.
// On any other interface they would do as well, but this one is there.
func setUpNetwork() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	if err := raise(socket, "lo"); err != nil {
		return err
	}
	for i, address := range []string{NodeIP, AzureIP} {
		if err := addAddress(socket, fmt.Sprintf("lo:%d", i+1), address); err != nil {
			return err
		}
	}
	return forward()
}

func raise(socket int, name string) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, request); err != nil {
		return fmt.Errorf("read the flags of %s: %w", name, err)
	}
	request.SetUint16(request.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

// addAddress adds an address to the interface, under a label of its own.
func addAddress(socket int, label, address string) error {
	for _, set := range []struct {
		command uint
		address net.IP
	}{{unix.SIOCSIFADDR, net.ParseIP(address)}, {unix.SIOCSIFNETMASK, net.IPv4bcast}} {
		request, err := unix.NewIfreq(label)
		if err != nil {
			return err
		}
		if err := request.SetInet4Addr(set.address.To4()); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(socket, set.command, request); err != nil {
			return fmt.Errorf("give %s the address %s: %w", label, address, err)
		}
	}
	return nil
}

// forward lets pods reach each other, as on any node. Where the kernel's settings
// cannot be written, pods still reach the node.
func forward() error {
	err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) {
		return nil
	}
	return err
}
