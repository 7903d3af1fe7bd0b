package build

// ControlPlane names the programs of a Kubernetes API server that creates pods.
func ControlPlane() []string {
	return []string{"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"}
}

// Node names what runs those pods too: a node's own programs, the container
// runtime and pod network below them, and the scheduler that gives it pods.
func Node() []string {
	return []string{
		"kube-scheduler", "kubelet",
		"containerd", "containerd-shim-runc-v2", "ctr",
		"ptp", "loopback", "host-local",
	}
}
