package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"akv-injector/e2e/process"
	"akv-injector/e2e/sandbox"
)

const (
	// advertised is an address that nobody listens on: kube-apiserver refuses to
	// advertise a loopback one. With the endpoint reconciler off nothing uses it.
	advertised = "10.99.0.1"
	// ServiceIPs are the addresses that Services have.
	ServiceIPs = "10.96.0.0/16"
	// KubernetesIP is the first of them: the address of the service "kubernetes".
	KubernetesIP = "10.96.0.1"
)

// auditPolicy records who changed what and with which answer, and the annotations
// that admission adds, but neither requests nor responses. What is only read, and what
// programs write all the time by themselves, would cost some 8 % of the API server's time.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: None
  users: ["system:apiserver"]
- level: None
  resources:
  - group: coordination.k8s.io
  - group: ""
    resources: [events]
- level: Metadata
`

// apiServerFiles are the files that the API server is started with.
type apiServerFiles struct {
	serving         *KeyPair
	etcdClient      *KeyPair
	kubeletClient   *KeyPair
	serviceAccount  string // private key
	serviceAccounts string // public key
}

func (cp *ControlPlane) apiServer(program string, listen, etcd *port, files apiServerFiles, extra []string) (*server, error) {
	policy := filepath.Join(cp.Dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o644); err != nil {
		return nil, err
	}
	args := []string{
		"--etcd-servers", etcd.url(),
		"--etcd-cafile", cp.CAFile,
		"--etcd-certfile", files.etcdClient.CertFile,
		"--etcd-keyfile", files.etcdClient.KeyFile,

		"--secure-port", fmt.Sprint(listen.Number),
		"--service-cluster-ip-range", ServiceIPs,
		"--tls-cert-file", files.serving.CertFile,
		"--tls-private-key-file", files.serving.KeyFile,

		// Asked to end, it ends its watches at once. Without this it would wait a
		// minute for those of the controller-manager and of everything under test.
		"--shutdown-watch-termination-grace-period", "2s",

		"--client-ca-file", cp.CAFile,
		"--anonymous-auth=false",
		// As AKS has it: a kubelet may touch what is its own.
		"--authorization-mode", "Node,RBAC",
		"--enable-admission-plugins", "NodeRestriction",
		"--allow-privileged=true",

		// A real OIDC issuer: tokens of pods can be verified from outside.
		"--service-account-issuer", cp.Issuer,
		"--service-account-jwks-uri", cp.Issuer + "/openid/v1/jwks",
		"--service-account-signing-key-file", files.serviceAccount,
		"--service-account-key-file", files.serviceAccounts,

		// For logs and exec on a node of this machine.
		"--kubelet-client-certificate", files.kubeletClient.CertFile,
		"--kubelet-client-key", files.kubeletClient.KeyFile,
		"--kubelet-preferred-address-types", "InternalIP",

		"--audit-policy-file", policy,
		"--audit-log-path", cp.AuditLog,
		"--audit-log-maxsize", "1024", // MB, so that one file has the whole run
	}
	if cp.options.Services {
		args = append(args, "--bind-address", "0.0.0.0", "--advertise-address", sandbox.NodeIP, "--endpoint-reconciler-type", "lease")
	} else {
		args = append(args, "--bind-address", "127.0.0.1", "--advertise-address", advertised, "--endpoint-reconciler-type", "none")
	}
	return &server{
		ready:  listen.url() + "/readyz",
		client: cp.probes,
		spec: process.Spec{
			Name: "kube-apiserver",
			Path: program,
			Args: slices.Concat(args, extra),
			Log:  cp.logFile("kube-apiserver"),
		},
	}, nil
}
