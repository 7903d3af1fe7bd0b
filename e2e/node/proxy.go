package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"akv-injector/e2e/build"
	"akv-injector/e2e/controlplane"
	"akv-injector/e2e/process"
	"akv-injector/internal/testing/await"
)

// StartProxy starts kube-proxy, which makes Services' addresses lead to pods, and waits until that of the API server does. The control
// plane was started with Options.Services.
func (n *Node) StartProxy(ctx context.Context) error {
	programs, err := build.Ensure(ctx, n.options.Log, "kube-proxy", "nft")
	if err != nil {
		return err
	}
	user, err := n.cp.User("system:kube-proxy")
	if err != nil {
		return err
	}
	if err := routeTo(controlplane.ServiceIPs); err != nil {
		return fmt.Errorf("a route to the Services: %w", err)
	}
	n.proxy, err = process.Start(process.Spec{
		Name: "kube-proxy", Path: programs["kube-proxy"],
		Args: []string{
			"--kubeconfig", user.Kubeconfig,
			"--hostname-override", n.Name,
			"--cluster-cidr", podSubnet,
			"--proxy-mode", "nftables",
			"--healthz-bind-address", "127.0.0.1:10256", "--metrics-bind-address", "127.0.0.1:10249",
			// The machine's own settings stay as they are.
			"--conntrack-max-per-core", "0", "--conntrack-min", "0",
			"--conntrack-tcp-timeout-established", "0s", "--conntrack-tcp-timeout-close-wait", "0s",
		},
		Env: []string{"PATH=" + filepath.Dir(programs["nft"]) + ":" + os.Getenv("PATH")},
		Log: n.path("logs/kube-proxy.log"),
	})
	if err != nil {
		return err
	}
	poll := await.Poll{Limit: readyTimeout, Every: 50 * time.Millisecond}
	return n.proxy.AwaitReady(ctx, poll, func(ctx context.Context) error {
		// Whether the address leads anywhere; that it is the API server's certificate is for its clients to see.
		dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Second}, Config: &tls.Config{InsecureSkipVerify: true}}
		connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(controlplane.KubernetesIP, "443"))
		if err != nil {
			return err
		}
		return connection.Close()
	})
}

// StopProxy stops kube-proxy. What it has set up stays.
func (n *Node) StopProxy() error {
	if n.proxy == nil {
		return nil
	}
	return n.proxy.Stop(stopGrace)
}
