package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/images"
	"akv-injector/e2e/process"
	"akv-injector/e2e/sandbox"
	"akv-injector/internal/testing/await"
)

// Name of the node.
const Name = "node-1"

const (
	readyTimeout = 2 * time.Minute
	stopGrace    = 20 * time.Second
)

// Options of a node.
type Options struct {
	// SyncFrequency is how often the kubelet looks at each pod again, and so how often
	// it asks a CSI driver that wants republishing; the kubelet's own default is a minute.
	SyncFrequency time.Duration
	Log           io.Writer
}

// Node is a running node.
type Node struct {
	Name string
	// KubeletRoot is the kubelet's --root-dir: sockets of CSI drivers and its pods' volumes.
	KubeletRoot string
	// IP is the node's address.
	IP string

	cp       *controlplane.ControlPlane
	options  Options
	dir      string
	programs map[string]string

	containerd *process.Process
	kubelet    *process.Process
	proxy      *process.Process // nil without one
}

// Start starts a node and waits until it is Ready. Only in a sandbox.
func Start(ctx context.Context, cp *controlplane.ControlPlane, options Options) (n *Node, err error) {
	if !sandbox.Inside() {
		return nil, errors.New("start a node: not in a sandbox, so it could not be removed again")
	}
	begun := time.Now()
	if options.SyncFrequency == 0 {
		options.SyncFrequency = time.Minute
	}
	dir := filepath.Join(os.TempDir(), "node")
	n = &Node{Name: Name, IP: sandbox.NodeIP, KubeletRoot: filepath.Join(dir, "kubelet"), cp: cp, options: options, dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start a node: %w", err), n.Stop())
			n = nil
		}
	}()
	if n.programs, err = build.Ensure(ctx, options.Log, build.Node()...); err != nil {
		return n, err
	}
	if err := n.configure(); err != nil {
		return n, err
	}
	if err := n.StartContainerd(ctx); err != nil {
		return n, err
	}
	if err := n.importImages(ctx); err != nil {
		return n, err
	}
	if err := n.StartKubelet(ctx); err != nil {
		return n, err
	}
	if options.Log != nil {
		fmt.Fprintf(options.Log, "node %s is Ready, in %.1f s\n", n.Name, time.Since(begun).Seconds())
	}
	return n, nil
}

// configure writes every file that the node's programs read.
func (n *Node) configure() error {
	for _, write := range []func() error{n.configureNetwork, n.configureContainerd, n.configureKubelet} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file of the node's, with its folder.
func (n *Node) write(name, content string) error {
	path := n.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}

func (n *Node) path(name string) string { return filepath.Join(n.dir, name) }

func (n *Node) importImages(ctx context.Context) error {
	archives, err := images.Write(ctx, n.path("images"), n.options.Log)
	if err != nil {
		return err
	}
	for _, image := range archives {
		if err := n.ctr(ctx, "images", "import", image.Path); err != nil {
			return fmt.Errorf("import %s: %w", image.Ref, err)
		}
	}
	return nil
}

// Import takes an image out of an archive of one platform or of several.
func (n *Node) Import(ctx context.Context, archive string) error {
	return n.ctr(ctx, "images", "import", archive)
}

// TagShell gives the shell's image one more name, such as that of an image in manifests
// that are to run here as they are.
func (n *Node) TagShell(ctx context.Context, ref string) error {
	return n.ctr(ctx, "images", "tag", "--force", images.Shell, ref)
}

// awaitReady waits until the node says that it is Ready, since the time given.
func (n *Node) awaitReady(ctx context.Context, since time.Time) error {
	poll := await.Poll{Limit: readyTimeout, Every: 100 * time.Millisecond}
	return n.kubelet.AwaitReady(ctx, poll, func(ctx context.Context) error {
		node, err := n.cp.Client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range node.Status.Conditions {
			// A kubelet that has just started again finds the condition of the one before.
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue && !c.LastHeartbeatTime.Time.Before(since.Truncate(time.Second)) {
				return nil
			}
		}
		return fmt.Errorf("the node's conditions are %v", node.Status.Conditions)
	})
}

// Stop ends the node's programs. Containers run on until the sandbox ends, as those of
// a node do whose kubelet and containerd stop.
func (n *Node) Stop() error {
	return errors.Join(n.StopProxy(), n.StopKubelet(), n.StopContainerd())
}
