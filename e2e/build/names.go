package build

import "slices"

// ControlPlane names the programs of a Kubernetes API server that creates pods.
func ControlPlane() []string {
	return []string{"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"}
}

// Node names what runs those pods too: a node's own programs, the container
// runtime and pod network below them, the scheduler that gives it pods, and the
// shell in their image.
func Node() []string {
	return []string{
		"kube-scheduler", "kubelet",
		"containerd", "containerd-shim-runc-v2", "runc", "ctr",
		"ptp", "loopback", "host-local", "busybox",
	}
}

// SecretsStore names the Secrets Store CSI driver and its provider for Azure Key Vault.
func SecretsStore() []string {
	return []string{"secrets-store-csi-driver", "secrets-store-csi-driver-provider-azure"}
}

// LegacyDriver names the CSI driver as it was when it rotated with a loop of its own: before AKS had
// the newest, and before that.
func LegacyDriver() []string {
	return []string{"secrets-store-csi-driver-1.4", "secrets-store-csi-driver-1.5"}
}

// WorkloadIdentity names the webhook that gives pods Azure's token volume.
func WorkloadIdentity() []string { return []string{"azure-workload-identity-webhook"} }

// Service names what lets pods be reached by a Service, and cert-manager, which an installation may have
// its certificates from.
func Service() []string { return []string{"kube-proxy", "nft", "cert-manager"} }

// Compared names a webhook that nothing here needs: it is what akv-injector is compared with.
func Compared() []string { return []string{"vault-k8s"} }

// Usable names what tests can use on a machine that can run a node, or on one that cannot.
func Usable(node bool) []string {
	if node {
		return Everything()
	}
	return slices.Concat(ControlPlane(), SecretsStore(), LegacyDriver(), WorkloadIdentity())
}

// Everything names all of these.
func Everything() []string {
	return slices.Concat(ControlPlane(), Node(), SecretsStore(), LegacyDriver(), WorkloadIdentity(), Service(), Compared())
}
