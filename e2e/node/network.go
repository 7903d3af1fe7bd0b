package node

import (
	"path/filepath"
	"strings"
)

// podSubnet has the addresses of the pods; the node's end of each pod's link is the
// first of them.
const podSubnet = "10.88.0.0/24"

// configureNetwork gives each pod a link of its own to the node.
func (n *Node) configureNetwork() error {
	return n.write("cni/10-ptp.conflist", strings.NewReplacer(
		"SUBNET", podSubnet, "STATE", n.path("cni-state"),
	).Replace(`{
  "cniVersion": "1.0.0",
  "name": "akv-e2e",
  "plugins": [{
    "type": "ptp",
    "ipam": {
      "type": "host-local",
      "subnet": "SUBNET",
      "routes": [{"dst": "0.0.0.0/0"}],
      "dataDir": "STATE"
    }
  }]
}
`))
}

// pluginFolders are those of the CNI plugins.
func (n *Node) pluginFolders() []string {
	return []string{filepath.Dir(n.programs["ptp"]), filepath.Dir(n.programs["host-local"]), filepath.Dir(n.programs["loopback"])}
}
