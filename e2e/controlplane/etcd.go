package controlplane

import (
	"path/filepath"

	"akv-injector/e2e/process"
)

func (cp *ControlPlane) etcdServer(program string, client, peer *port, serving *KeyPair) *server {
	return &server{
		ready:  client.url() + "/readyz",
		client: cp.probes,
		spec: process.Spec{
			Name: "etcd",
			Path: program,
			Log:  cp.logFile("etcd"),
			Args: []string{
				"--name", "e2e",
				"--data-dir", filepath.Join(cp.Dir, "etcd"),
				"--listen-client-urls", client.url(),
				"--advertise-client-urls", client.url(),
				"--cert-file", serving.CertFile,
				"--key-file", serving.KeyFile,
				"--client-cert-auth",
				"--trusted-ca-file", cp.CAFile,
				// A cluster of one has no peers, but listens for them anyway.
				"--listen-peer-urls", peer.url(),
				"--initial-advertise-peer-urls", peer.url(),
				"--initial-cluster", "e2e=" + peer.url(),
				"--peer-cert-file", serving.CertFile,
				"--peer-key-file", serving.KeyFile,
				"--peer-client-cert-auth",
				"--peer-trusted-ca-file", cp.CAFile,
				// The data need not survive the machine, only the API server.
				"--unsafe-no-fsync",
				"--log-level", "warn",
			},
		},
	}
}
