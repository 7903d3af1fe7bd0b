package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	criv1 "k8s.io/cri-api/pkg/apis/runtime/v1"

	"akv-injector/e2e/images"
	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

// configureContainerd writes containerd's configuration.
func (n *Node) configureContainerd() error {
	folders := n.pluginFolders()
	slices.Sort(folders)
	for i, folder := range folders {
		folders[i] = "'" + folder + "'"
	}
	return n.write("containerd.toml", strings.NewReplacer(
		"ROOT", n.path("containerd"), "STATE", n.path("c"), "SOCKET", n.path("containerd.sock"),
		"PAUSE", images.Pause, "PLUGINS", strings.Join(slices.Compact(folders), ", "),
		"NETWORKS", n.path("cni"), "RUNC", n.programs["runc"], "SHIM", n.programs["containerd-shim-runc-v2"],
	).Replace(`version = 3
root = 'ROOT'
state = 'STATE'

[grpc]
address = 'SOCKET'

[plugins.'io.containerd.cri.v1.images']
snapshotter = 'overlayfs'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = 'PAUSE'

[plugins.'io.containerd.cri.v1.runtime']
# A root without CAP_SYS_RESOURCE may not lower a process's score.
restrict_oom_score_adj = true
disable_apparmor = true
disable_hugetlb_controller = true
enable_cdi = false

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = [PLUGINS]
conf_dir = 'NETWORKS'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
runtime_path = 'SHIM'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = 'RUNC'
SystemdCgroup = false
`))
}

// StartContainerd starts containerd and waits until it has found its containers again and
// answers what a kubelet asks first, which would end if it were refused.
func (n *Node) StartContainerd(ctx context.Context) (err error) {
	n.containerd, err = process.Start(process.Spec{
		Name: "containerd", Path: n.programs["containerd"], Args: []string{"--config", n.path("containerd.toml")},
		// It finds its shim there, unless told otherwise.
		Env: []string{"PATH=" + filepath.Dir(n.programs["containerd-shim-runc-v2"]) + ":/usr/sbin:/usr/bin:/sbin:/bin"},
		Log: n.path("logs/containerd.log"),
	})
	if err != nil {
		return err
	}
	connection, err := grpc.NewClient("unix://"+n.path("containerd.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	runtime := criv1.NewRuntimeServiceClient(connection)
	poll := await.Poll{Limit: readyTimeout, Every: 50 * time.Millisecond}
	return n.containerd.AwaitReady(ctx, poll, func(ctx context.Context) error {
		_, err := runtime.Version(ctx, &criv1.VersionRequest{})
		return err
	})
}

// StopContainerd stops containerd. Its containers run on.
func (n *Node) StopContainerd() error { return n.containerd.Stop(stopGrace) }

// ctr runs containerd's own client.
func (n *Node) ctr(ctx context.Context, args ...string) error {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, n.programs["ctr"],
		append([]string{"--address", n.path("containerd.sock"), "--namespace", "k8s.io"}, args...)...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(output.String()))
	}
	return nil
}
