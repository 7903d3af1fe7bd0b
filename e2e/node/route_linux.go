package node

import (
	"errors"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// services is the interface that the Services' addresses are said to be behind. Nobody is there: kube-proxy changes the
// address of what is sent before it gets that far. It is not the loopback interface, on which what is sent to a Service
// without pods would be lost in silence, and not refused.
const services = "services"

// routeTo makes a route to a network of Services.
func routeTo(network string) error {
	_, destination, err := net.ParseCIDR(network)
	if err != nil {
		return err
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name = services
	link := &netlink.Bridge{LinkAttrs: attributes}
	if err := netlink.LinkAdd(link); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	address, err := netlink.ParseAddr("10.99.1.1/24")
	if err != nil {
		return err
	}
	if err := netlink.AddrReplace(link, address); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	return netlink.RouteReplace(&netlink.Route{LinkIndex: link.Index, Dst: destination, Scope: netlink.SCOPE_LINK})
}
