package build

import (
	"fmt"
	"strings"
	"time"
)

// program is what a recipe's module does not say about a program.
type program struct {
	// takes is about how long a first build takes on two cores, after those that
	// come before it in ControlPlane and Node: they leave much compiled. It is only
	// shown, so that nobody takes a long build for one that hangs.
	takes time.Duration
	// ldflags gives the linker flags for a version such as "v1.37.2".
	ldflags func(version string) string
	tags    []string
	// folder is the recipe's under recipes/, when it is not called like the
	// program: several programs of one module share a recipe.
	folder string
}

// programs has an entry for each program that a folder under recipes/ gives.
var programs = map[string]program{
	"azure-workload-identity-webhook": {takes: 2 * time.Minute, ldflags: identityWebhookVersion},
	"cert-manager":                    {takes: 2 * time.Minute},
	"containerd":                      {takes: 70 * time.Second, folder: "containerd", tags: containerdTags},
	"containerd-shim-runc-v2":         {takes: 2 * time.Second, folder: "containerd", tags: containerdTags},
	"ctr":                             {takes: 3 * time.Second, folder: "containerd", tags: containerdTags},
	"etcd":                            {takes: 90 * time.Second},
	"host-local":                      {takes: time.Second, folder: "cni-plugins"},
	"kube-apiserver":                  {takes: 5 * time.Minute, ldflags: kubernetesVersion},
	"kube-controller-manager":         {takes: 2 * time.Minute, ldflags: kubernetesVersion},
	"kube-proxy":                      {takes: 20 * time.Second, ldflags: kubernetesVersion},
	"kube-scheduler":                  {takes: 15 * time.Second, ldflags: kubernetesVersion},
	"kubectl":                         {takes: 30 * time.Second, ldflags: kubernetesVersion},
	"kubelet":                         {takes: 30 * time.Second, ldflags: kubernetesVersion},
	"loopback":                        {takes: time.Second, folder: "cni-plugins"},
	"ptp":                             {takes: 4 * time.Second, folder: "cni-plugins"},
	"secrets-store-csi-driver":        {takes: 2 * time.Minute, ldflags: csiDriverVersion},
	"secrets-store-csi-driver-1.4":    {takes: 2 * time.Minute, ldflags: csiDriverVersion},
	"secrets-store-csi-driver-1.5":    {takes: 2 * time.Minute, ldflags: csiDriverVersion},
	"vault-k8s":                       {takes: time.Minute},
	"secrets-store-csi-driver-provider-azure": {takes: time.Minute, ldflags: azureProviderVersion},
}

// containerdTags leave out the snapshotters that want C libraries or a disk of
// their own; overlayfs stays.
var containerdTags = []string{"no_btrfs", "no_devmapper", "no_zfs"}

// kubernetesVersion tells a Kubernetes program its own version. It would report
// v0.0.0 otherwise, which turns off every feature that is newer than that.
func kubernetesVersion(version string) string {
	const pkg = "k8s.io/component-base/version"
	major, minor, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ = strings.Cut(minor, ".")
	return fmt.Sprintf("-X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s",
		pkg, version, major, minor)
}

// The driver, its provider and the webhook say their version in logs and in what they
// send as the user agent: to Azure, and to the API server's audit log.

func csiDriverVersion(version string) string {
	return "-X sigs.k8s.io/secrets-store-csi-driver/pkg/version.BuildVersion=" + version
}

func azureProviderVersion(version string) string {
	return "-X github.com/Azure/secrets-store-csi-driver-provider-azure/pkg/version.BuildVersion=" + version
}

// identityWebhookVersion also names the images of the sidecars that the webhook adds.
func identityWebhookVersion(version string) string {
	const module = "github.com/Azure/azure-workload-identity/pkg/"
	return "-X " + module + "version.BuildVersion=" + version +
		" -X " + module + "webhook.ProxyImageVersion=" + version +
		" -X " + module + "webhook.ProxyImageRegistry=mcr.microsoft.com/oss/azure/workload-identity"
}
