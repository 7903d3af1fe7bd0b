package node

import (
	"context"
	"strings"
	"time"

	"akv-injector/e2e/process"
	"akv-injector/e2e/sandbox"
)

// configureKubelet writes the kubelet's configuration and makes its certificate.
func (n *Node) configureKubelet() error {
	serving, err := n.cp.ServingCertificate("kubelet", n.IP, n.Name)
	if err != nil {
		return err
	}
	return n.write("kubelet.yaml", strings.NewReplacer(
		"ADDRESS", n.IP, "CERT", serving.CertFile, "KEY", serving.KeyFile, "CLIENTS", n.cp.CAFile,
		"SOCKET", n.path("containerd.sock"), "FREQUENCY", n.options.SyncFrequency.String(),
		"LOGS", n.path("pods"), "STATIC", n.path("static"), "RESOLVER", sandbox.AzureIP,
	).Replace(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: ADDRESS
port: 10250
healthzPort: 0
tlsCertFile: CERT
tlsPrivateKeyFile: KEY
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: false}
  x509: {clientCAFile: CLIENTS}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix://SOCKET
syncFrequency: FREQUENCY
podLogsDir: LOGS
clusterDNS: [RESOLVER]
clusterDomain: cluster.local

# Whatever version of cgroups there is, and whoever manages the machine's.
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false

# The machine is not the node's own: nothing of it is to be set, freed or complained about.
failSwapOn: false
makeIPTablesUtilChains: false
protectKernelDefaults: false
localStorageCapacityIsolation: false
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 1Mi, nodefs.available: 1Mi, imagefs.available: 1Mi}
maxPods: 250

# A test waits for it: no reason to be slow.
registryPullQPS: 0
eventRecordQPS: 0
kubeAPIQPS: 200
kubeAPIBurst: 400
serializeImagePulls: false
nodeStatusUpdateFrequency: 2s
nodeStatusReportFrequency: 2s
configMapAndSecretChangeDetectionStrategy: Watch
`))
}

// StartKubelet starts the kubelet and waits until the node is Ready.
func (n *Node) StartKubelet(ctx context.Context) error {
	user, err := n.cp.User("system:node:"+n.Name, "system:nodes")
	if err != nil {
		return err
	}
	// As it is on a node, where systemd shares all mounts. A kubelet that does not find it so
	// does it by itself, and beside that makes sockets in the folder: now and then one of them
	// is moved just then, which fails, and the kubelet ends.
	if err := share(n.KubeletRoot); err != nil {
		return err
	}
	since := time.Now()
	n.kubelet, err = process.Start(process.Spec{
		Name: "kubelet", Path: n.programs["kubelet"],
		Args: []string{
			"--config", n.path("kubelet.yaml"),
			"--kubeconfig", user.Kubeconfig,
			"--root-dir", n.KubeletRoot,
			"--hostname-override", n.Name,
			"--node-ip", n.IP,
			"--v", "2",
		},
		Log: n.path("logs/kubelet.log"),
	})
	if err != nil {
		return err
	}
	return n.awaitReady(ctx, since)
}

// StopKubelet stops the kubelet. Its pods run on.
func (n *Node) StopKubelet() error { return n.kubelet.Stop(stopGrace) }

// Explain adds the last lines of the kubelet's log to an error.
func (n *Node) Explain(err error) error { return n.kubelet.Explain(err) }
