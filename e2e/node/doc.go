// Package node runs a real Kubernetes node beside a control plane of the test: kubelet,
// containerd, runc and the CNI plugins, all from the cache of built programs; nothing is
// installed on the machine. It runs in a sandbox (package sandbox), whose end removes
// whatever a node leaves: containers, mounts, network namespaces and cgroups.
//
// No image can be pulled. There are those of package images, which the node imports.
package node
