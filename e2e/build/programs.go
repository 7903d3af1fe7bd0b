package build

import (
	"fmt"
	"strings"
	"time"
)

// program is what a recipe's module does not say about a program.
type program struct {
	// takes is about how long a first build takes on two cores; it is only
	// shown, so that nobody takes a long build for one that hangs.
	takes time.Duration
	// ldflags gives the linker flags for a version such as "v1.37.2".
	ldflags func(version string) string
	tags    []string
}

// programs has an entry for each folder under recipes/.
var programs = map[string]program{
	"etcd":                    {takes: 90 * time.Second},
	"kube-apiserver":          {takes: 5 * time.Minute, ldflags: kubernetesVersion},
	"kube-controller-manager": {takes: 2 * time.Minute, ldflags: kubernetesVersion},
	"kubectl":                 {takes: 30 * time.Second, ldflags: kubernetesVersion},
}

// kubernetesVersion tells a Kubernetes program its own version. It would report
// v0.0.0 otherwise, which turns off every feature that is newer than that.
func kubernetesVersion(version string) string {
	const pkg = "k8s.io/component-base/version"
	major, minor, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ = strings.Cut(minor, ".")
	return fmt.Sprintf("-X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s",
		pkg, version, major, minor)
}
