package node

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Crash ends the node as a power cut does: kubelet, containerd and every container,
// without a word to any of them. What only memory has is gone then: mounts, the pods'
// networks, what containerd has in its state folder. What a disk has stays, and so do
// programs that are not the node's own, such as a CSI driver.
func (n *Node) Crash() error {
	// Without any time to end by themselves.
	if err := errors.Join(n.kubelet.Stop(0), n.containerd.Stop(0)); err != nil {
		return err
	}
	if err := n.killContainers(); err != nil {
		return fmt.Errorf("end the node's containers: %w", err)
	}
	if err := unmountBelow(n.dir, networks); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(n.path("c")), os.RemoveAll(networks))
}

// Boot starts a node that Crash has ended, and waits until it is Ready; its pods may
// take longer.
func (n *Node) Boot(ctx context.Context) error {
	if err := n.StartContainerd(ctx); err != nil {
		return err
	}
	return n.StartKubelet(ctx)
}

// networks is where containerd keeps the pods' network namespaces.
const networks = "/run/netns"
